"""wellfit inside other frameworks: each is imported in its adapter alone, when that is used."""
