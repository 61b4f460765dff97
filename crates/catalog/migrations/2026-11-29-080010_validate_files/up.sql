ALTER TABLE catalog.media VALIDATE CONSTRAINT media_pictures_have_pixels;
