"""Methods for how a picture looks: contrast, cast, sharpness. They restore nothing that was lost."""
