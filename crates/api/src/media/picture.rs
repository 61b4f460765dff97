//! Pictures, decoded and encoded anew.

use std::fs;
use std::io::{BufWriter, Cursor, Write as _};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};

mod colours;

/// The most pixels of a side: no rendition is longer than a WebP may be.
const MAX_SIDE: u32 = 12_000;
/// What decoders may allocate for a pixel: four channels of 16 bits, and as much again to work with.
const BYTES_PER_PIXEL: u64 = 16;
/// Of 100. What an original loses by it is not seen.
const ORIGINAL_QUALITY: u8 = 92;
const RENDITION_QUALITY: u8 = 80;
/// Up to so many pixels it is affordable to make smaller with a filter.
const FILTERED_PIXELS: u64 = 4_000_000;

/// What a picture is, which its bytes tell and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Jpeg,
    Png,
    Webp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// The end of a name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    /// The kind that is written so.
    #[must_use]
    pub fn of_content_type(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.content_type() == text)
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// A picture that was cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub kind: Kind,
    pub width: u32,
    pub height: u32,
}

/// Why a picture is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PictureError {
    #[error("is not a JPEG, PNG or WebP")]
    Unknown,
    #[error("has {width} × {height} pixels; at most {max_pixels} in all and {MAX_SIDE} a side")]
    TooLarge {
        width: u32,
        height: u32,
        max_pixels: u64,
    },
    #[error("cannot be decoded: {0}")]
    Broken(String),
    /// It is not the picture's fault.
    #[error("{0}")]
    Failed(String),
}

impl From<std::io::Error> for PictureError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Writes the picture in a file anew: upright, in sRGB, with eight bits a channel and without anything but its pixels.
/// Of an animation it takes the first frame.
///
/// # Errors
///
/// [`PictureError`].
pub fn clean(from: &Path, to: &Path, max_pixels: u64) -> Result<Picture, PictureError> {
    let bytes = fs::read(from)?;
    let (kind, image) = decode(&bytes, max_pixels)?;
    drop(bytes);
    let mut file = BufWriter::new(fs::File::create(to)?);
    match kind {
        Kind::Jpeg => {
            JpegEncoder::new_with_quality(&mut file, ORIGINAL_QUALITY).encode_image(&image)?;
        }
        Kind::Png => image.write_with_encoder(PngEncoder::new(&mut file))?,
        Kind::Webp => file.write_all(&webp(&image, ORIGINAL_QUALITY)?)?,
    }
    file.flush()?;
    Ok(Picture {
        kind,
        width: image.width(),
        height: image.height(),
    })
}

/// Writes a picture in these widths into a directory, as `{width}.webp`.
///
/// # Errors
///
/// [`PictureError`].
pub fn render(from: &Path, into: &Path, widths: &[u32]) -> Result<(), PictureError> {
    // It was cleaned, so it is not larger than pictures might be then.
    let (_, image) = decode(&fs::read(from)?, u64::MAX)?;
    for width in widths {
        let smaller = scaled(&image, *width);
        let bytes = webp(&smaller, RENDITION_QUALITY)?;
        fs::write(into.join(format!("{width}.webp")), &*bytes)?;
    }
    Ok(())
}

fn decode(bytes: &[u8], max_pixels: u64) -> Result<(Kind, DynamicImage), PictureError> {
    let format = image::guess_format(bytes).map_err(|_| PictureError::Unknown)?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.format() == format)
        .ok_or(PictureError::Unknown)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL));
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let is_small =
        width.max(height) <= MAX_SIDE && u64::from(width) * u64::from(height) <= max_pixels;
    if !is_small {
        return Err(PictureError::TooLarge {
            width,
            height,
            max_pixels,
        });
    }
    if kind == Kind::Jpeg && !is_whole(bytes) {
        return Err(PictureError::Broken("it ends in the middle".into()));
    }
    let (orientation, profile) = (decoder.orientation()?, decoder.icc_profile()?);
    let mut image = in_eight_bits(DynamicImage::from_decoder(decoder)?);
    if let Some(profile) = profile {
        colours::to_srgb(&mut image, &profile);
    }
    image.apply_orientation(orientation);
    Ok((kind, image))
}

/// The decoder makes up what is missing of a JPEG, so its marks are followed to the one at its end. Anything may be behind
/// that: phones put a film there (ITU-T T.81, B.1.1).
fn is_whole(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    loop {
        // Neither data of a scan, in which a zero is stuffed behind an ff, nor fill bytes, nor marks without a segment.
        let is_mark = |two: &[u8]| two[0] == 0xff && !matches!(two[1], 0 | 1 | 0xd0..=0xd8 | 0xff);
        let Some(at) = rest.windows(2).position(is_mark) else {
            return false;
        };
        if rest[at + 1] == 0xd9 {
            return true;
        }
        // The length of the segment counts itself.
        let segment = rest.get(at + 2..).unwrap_or_default();
        let length = segment.first_chunk().copied().map(u16::from_be_bytes);
        rest = match length.and_then(|length| segment.get(usize::from(length.max(2))..)) {
            Some(behind) => behind,
            None => return false,
        };
    }
}

fn in_eight_bits(image: DynamicImage) -> DynamicImage {
    match (image.color().has_color(), image.color().has_alpha()) {
        _ if image.color().bytes_per_pixel() == image.color().channel_count() => image,
        (true, true) => image.to_rgba8().into(),
        (true, false) => image.to_rgb8().into(),
        (false, true) => image.to_luma_alpha8().into(),
        (false, false) => image.to_luma8().into(),
    }
}

/// Every pixel counts. Where a picture is made a little smaller that needs a filter, which costs more memory.
fn scaled(image: &DynamicImage, width: u32) -> DynamicImage {
    let pixels = u64::from(image.width()) * u64::from(image.height());
    let height = u64::from(image.height()) * u64::from(width) / u64::from(image.width().max(1));
    let height = u32::try_from(height).unwrap_or(MAX_SIDE).max(1);
    if image.width() < 2 * width && pixels <= FILTERED_PIXELS {
        return image.resize_exact(width, height, image::imageops::FilterType::CatmullRom);
    }
    image.thumbnail_exact(width, height)
}

fn webp(image: &DynamicImage, quality: u8) -> Result<webp::WebPMemory, PictureError> {
    let failed = |error| PictureError::Failed(format!("WebP: {error:?}"));
    let (width, height) = (image.width(), image.height());
    if image.color().has_alpha() {
        let pixels = image.to_rgba8();
        let encoder = webp::Encoder::from_rgba(&pixels, width, height);
        return encoder.encode_simple(false, quality.into()).map_err(failed);
    }
    let pixels = image.to_rgb8();
    let encoder = webp::Encoder::from_rgb(&pixels, width, height);
    encoder.encode_simple(false, quality.into()).map_err(failed)
}

#[cfg(test)]
mod tests;
