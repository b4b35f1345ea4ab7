"""In order of their names; what has run is never changed again."""
