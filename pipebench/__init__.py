"""pipebench: where is the chokepoint of a training input pipeline?"""
