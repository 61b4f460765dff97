//! What is left of a picture, and what is not.

use std::path::PathBuf;

use image::{DynamicImage, GenericImageView as _, ImageBuffer, Luma, Rgb, RgbImage, Rgba};

use super::*;

const MAX_PIXELS: u64 = 1_000_000;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn cleaned(&self, bytes: &[u8]) -> Result<(Picture, Vec<u8>), PictureError> {
        let (from, to) = (self.path("from"), self.path("to"));
        fs::write(&from, bytes).unwrap();
        let picture = clean(&from, &to, MAX_PIXELS)?;
        Ok((picture, fs::read(to).unwrap()))
    }
}

/// The left half is red, the right one blue.
fn halves(width: u32, height: u32) -> RgbImage {
    ImageBuffer::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([250, 10, 10])
        } else {
            Rgb([10, 10, 250])
        }
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG with another segment behind its first mark.
fn with_segment(jpeg: &[u8], mark: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, mark], &length, content, &jpeg[2..]].concat()
}

/// Exif with an orientation, and a description as long as a place.
fn exif(orientation: u8, description: &str) -> Vec<u8> {
    let length = u8::try_from(description.len() + 1).unwrap();
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend([0x0e, 0x01, 2, 0, length, 0, 0, 0, 38, 0, 0, 0]);
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    exif.extend([0, 0, 0, 0]);
    exif.extend(description.as_bytes());
    exif.push(0);
    exif
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn only_pixels_are_left_and_they_are_upright() {
    let folder = Folder::new();
    let jpeg = encoded(halves(40, 20), ImageFormat::Jpeg);
    let jpeg = with_segment(&jpeg, 0xfe, b"a comment of mine");
    let jpeg = with_segment(&jpeg, 0xe1, &exif(6, "48.137 N 11.575 E"));
    let sent = [&jpeg[..], b"<script>alert(1)</script>"].concat();

    let (picture, bytes) = folder.cleaned(&sent).unwrap();

    assert_eq!(
        (picture.kind, picture.width, picture.height),
        (Kind::Jpeg, 20, 40)
    );
    for gone in ["Exif", "48.137", "comment", "script"] {
        assert!(contains(&sent, gone) && !contains(&bytes, gone), "{gone}");
    }
    let image = image::load_from_memory(&bytes).unwrap();
    let (top, bottom) = (image.get_pixel(10, 5), image.get_pixel(10, 35));
    assert!(top[0] > 200 && top[2] < 60, "{top:?}");
    assert!(bottom[2] > 200 && bottom[0] < 60, "{bottom:?}");
    // And the same comes of it again.
    assert_eq!(folder.cleaned(&sent).unwrap().1, bytes);
}

#[test]
fn each_kind_stays_what_its_bytes_are_with_eight_bits_a_channel() {
    let folder = Folder::new();
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(9, 7, Luma([40_000]));
    let clear: ImageBuffer<Rgba<u8>, Vec<u8>> = ImageBuffer::from_pixel(9, 7, Rgba([9, 9, 9, 0]));
    for (bytes, kind) in [
        (encoded(halves(9, 7), ImageFormat::Png), Kind::Png),
        (encoded(deep, ImageFormat::Png), Kind::Png),
        (encoded(clear.clone(), ImageFormat::Png), Kind::Png),
        (encoded(clear, ImageFormat::WebP), Kind::Webp),
        (encoded(halves(9, 7), ImageFormat::WebP), Kind::Webp),
    ] {
        let has_alpha = image::load_from_memory(&bytes).unwrap().color().has_alpha();
        let (picture, bytes) = folder.cleaned(&bytes).unwrap();
        assert_eq!((picture.kind, picture.width, picture.height), (kind, 9, 7));
        assert_eq!(image::guess_format(&bytes).unwrap(), kind.format());
        let image = image::load_from_memory(&bytes).unwrap();
        assert_eq!(image.color().has_alpha(), has_alpha);
        assert_eq!(
            image.color().bytes_per_pixel(),
            image.color().channel_count()
        );
    }
}

#[test]
fn colours_of_another_profile_are_brought_to_srgb() {
    let folder = Folder::new();
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    image::ImageEncoder::set_icc_profile(&mut encoder, profile).unwrap();
    let image: DynamicImage = RgbImage::from_pixel(4, 4, Rgb([200, 100, 100])).into();
    image.write_with_encoder(encoder).unwrap();

    let (_, bytes) = folder.cleaned(&png).unwrap();

    let pixel = image::load_from_memory(&bytes).unwrap().get_pixel(1, 1);
    // The same red is further out in the smaller space.
    assert!(pixel[0] > 205 && pixel[1] < 100, "{pixel:?}");
}

#[test]
fn what_is_no_picture_or_half_of_one_is_refused() {
    let folder = Folder::new();
    let code = |bytes: &[u8]| match folder.cleaned(bytes) {
        Ok(_) => "taken",
        Err(PictureError::Unknown) => "unknown",
        Err(PictureError::Broken(_)) => "broken",
        Err(PictureError::TooLarge { .. }) => "too large",
        Err(PictureError::Failed(_)) => "failed",
    };
    for text in [
        "",
        "hello",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "GIF89a\x01\0\x01\0\0\0\0;",
        "%PDF-1.7",
    ] {
        assert_eq!(code(text.as_bytes()), "unknown", "{text}");
    }
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let bytes = encoded(halves(300, 200), format);
        assert_eq!(code(&bytes), "taken");
        for part in [bytes.len() / 10, bytes.len() / 2, bytes.len() - 20] {
            assert_eq!(code(&bytes[..part]), "broken", "{format:?} {part}");
        }
    }
    // One with another one inside, as cameras put into Exif, is no more whole for it.
    let whole = encoded(halves(30, 20), ImageFormat::Jpeg);
    let nested = with_segment(&whole, 0xe1, &whole);
    assert_eq!(code(&nested), "taken");
    assert_eq!(code(&nested[..nested.len() - 2]), "broken");
}

#[test]
fn what_is_behind_a_jpeg_neither_breaks_nor_mends_it() {
    let folder = Folder::new();
    let jpeg = encoded(halves(300, 200), ImageFormat::Jpeg);
    // As phones do it with a film, in which anything may be.
    let film = b"\0\0\0\x18ftypmp42\xff\xda\0\x08\x01\xff\xd9 \xff\xda and more";

    let whole = folder.cleaned(&[&jpeg[..], film].concat());
    let broken = folder.cleaned(&jpeg[..jpeg.len() - 20]);
    // A segment that says to be longer than what is there has no end in what is inside of it.
    let head = with_segment(&jpeg[..2], 0xe1, b"Exif \xff\xd9");
    let cut = [&head[..3], &[0xe1, 0xff, 0xff], &jpeg[2..]].concat();

    assert_eq!(whole.unwrap().0.width, 300);
    assert!(matches!(broken, Err(PictureError::Broken(_))));
    assert!(!is_whole(&cut) && !is_whole(&[]) && !is_whole(&head[..9]));
    assert!(is_whole(&jpeg) && !is_whole(&jpeg[..jpeg.len() - 1]));
}

#[test]
fn what_would_be_too_large_is_not_decoded() {
    let folder = Folder::new();
    let jpeg = encoded(halves(30, 20), ImageFormat::Jpeg);
    let at = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    let sized = |width: u16, height: u16| {
        let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
        [&jpeg[..at + 5], &height, &width, &jpeg[at + 9..]].concat()
    };
    for (width, height) in [(20_000, 20_000), (12_001, 10), (10, 65_000), (1001, 1000)] {
        let refused = folder.cleaned(&sized(width, height)).unwrap_err();
        assert_eq!(
            refused,
            PictureError::TooLarge {
                width: width.into(),
                height: height.into(),
                max_pixels: MAX_PIXELS
            }
        );
    }
}

#[test]
fn renditions_keep_the_shape() {
    let folder = Folder::new();
    for (width, height) in [(1000, 500), (700, 2), (161, 3_000)] {
        let from = folder.path("original");
        fs::write(&from, encoded(halves(width, height), ImageFormat::Png)).unwrap();

        render(&from, folder.0.path(), &[160, 640]).unwrap();

        for wanted in [160, 640] {
            let bytes = fs::read(folder.path(&format!("{wanted}.webp"))).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), ImageFormat::WebP);
            let image = image::load_from_memory(&bytes).unwrap();
            let shape = (wanted, (height * wanted / width).max(1));
            assert_eq!(image.dimensions(), shape);
            if height > 2 {
                assert!(image.get_pixel(10, 1)[0] > 200);
            }
        }
    }
}
