"""Tax profiles and terms: what sellers and buyers have told of themselves."""
