"""Remote storage: object stores and whatever else has a URL. `pipebench.files` is the way in."""
