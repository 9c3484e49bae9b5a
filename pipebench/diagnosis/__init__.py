"""Which resource holds a pipeline back: phases, evidence, verdict, and the intervention that confirms it."""
