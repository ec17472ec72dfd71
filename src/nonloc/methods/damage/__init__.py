"""Methods against damage: impulses, hot pixels, scratches, lost places, compression, specks."""
