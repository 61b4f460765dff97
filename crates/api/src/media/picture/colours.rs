//! Colours, brought to what every screen takes them for where nothing else is said.

use image::DynamicImage;
use moxcms::{ColorProfile, Layout, TransformOptions};

/// Brings the colours of a picture from those of its profile to sRGB. They stay where the profile is not one for them.
pub(super) fn to_srgb(image: &mut DynamicImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    let (layout, row) = match image {
        DynamicImage::ImageRgb8(image) => (Layout::Rgb, 3 * image.width()),
        DynamicImage::ImageRgba8(image) => (Layout::Rgba, 4 * image.width()),
        _ => return,
    };
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options) else {
        return;
    };
    let pixels: &mut [u8] = match image {
        DynamicImage::ImageRgb8(image) => image,
        DynamicImage::ImageRgba8(image) => image,
        _ => return,
    };
    // Row by row, because a second picture would take as much memory again.
    let row = usize::try_from(row).unwrap_or(usize::MAX);
    let mut before = vec![0; row];
    for row in pixels.chunks_exact_mut(row) {
        before.copy_from_slice(row);
        if transform.transform(&before, row).is_err() {
            return;
        }
    }
}
