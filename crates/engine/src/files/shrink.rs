//! Makes a picture smaller: decodes it within limits, and gives what is shown before it has come. Nothing here waits or
//! knows files: it is a function of bytes, for a thread that may take its time.
//!
//! An upload may be anything: a header that promises a city, ten thousand frames, half a file. A picture that is
//! beyond the limits or broken has no thumbnail, and that is all.

use std::io::Cursor;

use chat::files::ThumbnailSize;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};

use super::{blurhash, jpeg_memory, pictures::MOST_PIXELS};

/// Bytes that decoding may take, about: the pixels, and what the decoder needs beside them.
const MEMORY: u64 = 256 << 20;
/// Bytes of a picture at most that is looked at, still encoded.
pub(super) const MOST_BYTES: i64 = 64 << 20;
/// A picture of fewer bytes that fits into a size is its own thumbnail.
const LIGHT: usize = 64 << 10;
/// How good the pictures are, of 100.
const QUALITY: u8 = 80;
/// A colour profile of more bytes is left out: it would be larger than the picture.
const PROFILE: usize = 16 << 10;
/// Pixels of the longer side of what a blurhash is made of.
const BLURRED: u32 = 32;

/// A picture made smaller.
pub(super) struct Shrunk {
    pub size: ThumbnailSize,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// The thumbnails and the blurhash of a picture.
pub(super) struct Made {
    pub blurhash: String,
    /// Those sizes in which it is kept beside itself.
    pub thumbnails: Vec<Shrunk>,
}

/// Looks at a picture of this media type; nothing if it cannot be decoded within the limits.
pub(super) fn shrink(bytes: &[u8], media_type: &str) -> Option<Made> {
    let format = match media_type {
        "image/jpeg" => ImageFormat::Jpeg,
        "image/png" => ImageFormat::Png,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        _ => return None,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let beside = if format == ImageFormat::Jpeg { jpeg_memory::beside_pixels(bytes)? } else { 0 };
    let is_fit = pixels > 0
        && i64::try_from(pixels).is_ok_and(|pixels| pixels <= MOST_PIXELS)
        && decoder.total_bytes().saturating_add(beside) <= MEMORY;
    if !is_fit {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.len() <= PROFILE);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    let mut thumbnails = Vec::new();
    // The largest first: each is made of the one before it.
    for size in [ThumbnailSize::Large, ThumbnailSize::Small] {
        let is_larger = picture.width().max(picture.height()) > size.pixels();
        if is_larger {
            picture = picture.thumbnail(size.pixels(), size.pixels());
        }
        if !is_larger && bytes.len() <= LIGHT {
            continue;
        }
        let mut turned = picture.clone();
        turned.apply_orientation(orientation);
        let (media_type, encoded) = encode(&turned, profile.as_deref())?;
        if encoded.len() < bytes.len() {
            thumbnails.push(Shrunk { size, media_type, bytes: encoded });
        }
    }
    picture = picture.thumbnail(BLURRED, BLURRED);
    picture.apply_orientation(orientation);
    Some(Made { blurhash: blurred(&picture), thumbnails })
}

/// Looks at a photo as after its upload, for measuring: bytes of its thumbnails together, if it has any.
#[must_use]
pub fn look_at_photo(bytes: &[u8]) -> Option<usize> {
    let made = shrink(bytes, "image/jpeg")?;
    Some(made.thumbnails.iter().map(|shrunk| shrunk.bytes.len()).sum())
}

/// A photo that is made up, for measuring: as hard to decode as one of a garden.
#[must_use]
pub fn sample_photo(width: u32, height: u32) -> Option<Vec<u8>> {
    let pixels = image::RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(73) ^ y.wrapping_mul(151)).wrapping_mul(2_654_435_761) >> 27;
        let value = |from: u32| u8::try_from((from & 191) + noise).unwrap_or(u8::MAX);
        image::Rgb([value(x / 9), value(y / 7), value((x + y) / 11)])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).write_image(&pixels, width, height, ExtendedColorType::Rgb8).ok()?;
    Some(bytes)
}

/// A picture through which one can see is a PNG, every other a JPEG.
fn encode(picture: &DynamicImage, profile: Option<&[u8]>) -> Option<(&'static str, Vec<u8>)> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width(), picture.height());
    if picture.color().has_alpha() {
        let rgba = picture.to_rgba8();
        if rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
            let mut encoder = PngEncoder::new(&mut bytes);
            if let Some(profile) = profile {
                let _unknown = encoder.set_icc_profile(profile.to_vec());
            }
            encoder.write_image(&rgba, width, height, ExtendedColorType::Rgba8).ok()?;
            return Some(("image/png", bytes));
        }
    }
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    if let Some(profile) = profile {
        let _unknown = encoder.set_icc_profile(profile.to_vec());
    }
    encoder.write_image(&picture.to_rgb8(), width, height, ExtendedColorType::Rgb8).ok()?;
    Some(("image/jpeg", bytes))
}

/// The blurhash of a small picture; what one can see through is white there, as on most pages.
fn blurred(picture: &DynamicImage) -> String {
    let rgba = picture.to_rgba8();
    let on_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    };
    let rgb: Vec<u8> = rgba.pixels().flat_map(|pixel| [0, 1, 2].map(|at| on_white(pixel.0[at], pixel.0[3]))).collect();
    blurhash::of(&rgb, rgba.width() as usize, rgba.height() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with some detail, in this format.
    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let pixels = image::RgbImage::from_fn(width, height, |x, y| {
            let value = (x * 7 + y * 13 + x * y) as u8;
            image::Rgb([value, (x / 4) as u8, (y / 4) as u8])
        });
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(pixels).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn sizes(made: &Made) -> Vec<(ThumbnailSize, &'static str, u32, u32)> {
        let one = |shrunk: &Shrunk| {
            let decoded = image::load_from_memory(&shrunk.bytes).unwrap();
            (shrunk.size, shrunk.media_type, decoded.width(), decoded.height())
        };
        made.thumbnails.iter().map(one).collect()
    }

    #[test]
    fn a_picture_is_made_smaller_twice_and_keeps_its_shape() {
        for (format, media_type) in
            [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png"), (ImageFormat::WebP, "image/webp")]
        {
            let made = shrink(&picture(1_800, 90, format), media_type).unwrap();
            assert_eq!(
                sizes(&made),
                [(ThumbnailSize::Large, "image/jpeg", 1_600, 80), (ThumbnailSize::Small, "image/jpeg", 640, 32)],
                "{media_type}"
            );
            assert_eq!(made.blurhash.len(), 28);
        }
    }

    #[test]
    fn a_small_picture_is_its_own_thumbnail_and_has_a_blurhash() {
        let made = shrink(&picture(60, 90, ImageFormat::Gif), "image/gif").unwrap();
        assert_eq!((sizes(&made), made.blurhash.len()), (Vec::new(), 28));
    }

    #[test]
    fn what_one_can_see_through_stays_so() {
        let pixels = image::RgbaImage::from_fn(900, 100, |x, y| {
            let noise = (x * 31 + y * 17 + x * y * 7) as u8;
            image::Rgba([noise, noise.wrapping_mul(3), noise.wrapping_mul(5), if x < 450 { 0 } else { 255 }])
        });
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(pixels).write_to(&mut bytes, ImageFormat::Png).unwrap();
        let made = shrink(&bytes.into_inner(), "image/png").unwrap();
        let small = made.thumbnails.iter().find(|one| one.size == ThumbnailSize::Small).unwrap();
        assert_eq!(small.media_type, "image/png");
        let decoded = image::load_from_memory(&small.bytes).unwrap().to_rgba8();
        assert_eq!((decoded.get_pixel(10, 10).0[3], decoded.get_pixel(600, 10).0[3]), (0, 255));
    }

    #[test]
    fn a_photo_that_lies_on_its_side_is_put_upright() {
        // Exif with the orientation 6 alone: to be turned by ninety degrees.
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let photo = picture(2_000, 100, ImageFormat::Jpeg);
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let turned = [&photo[..2], &[0xff, 0xe1], &length, exif, &photo[2..]].concat();
        let made = shrink(&turned, "image/jpeg").unwrap();
        assert_eq!(sizes(&made)[1], (ThumbnailSize::Small, "image/jpeg", 32, 640));
        assert!(made.blurhash.starts_with('T'), "higher than wide: {}", made.blurhash);
        for one in &made.thumbnails {
            assert!(!one.bytes.windows(4).any(|window| window == b"Exif"), "nothing is said beside the picture");
        }
    }

    #[test]
    fn a_photo_of_forty_megapixels_has_its_thumbnails() {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_luma8(16, 16).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        let mut bytes = bytes.into_inner();
        // Its frame says that it is larger, and what does not come is grey.
        let frame = bytes.windows(2).position(|two| two == b"\xff\xc0").unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x88, 0x1f, 0x40]);
        bytes.resize(300_000, 0);
        let made = shrink(&bytes, "image/jpeg").unwrap();
        let large = sizes(&made)[0];
        assert_eq!((large.2, large.3), (1_600, 1_000));
    }

    #[test]
    fn what_promises_a_city_or_is_broken_has_no_thumbnail() {
        let small = picture(20, 20, ImageFormat::Png);
        let mut city = small.clone();
        city[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        assert!(shrink(&city, "image/png").is_none(), "50,000 × 50,000");
        let mut gif = picture(20, 20, ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff; 4]);
        assert!(shrink(&gif, "image/gif").is_none(), "65,535 × 65,535");
        for (format, media_type) in [
            (ImageFormat::Jpeg, "image/jpeg"),
            (ImageFormat::Png, "image/png"),
            (ImageFormat::WebP, "image/webp"),
            (ImageFormat::Gif, "image/gif"),
        ] {
            let whole = picture(200, 200, format);
            for length in [0, 1, 12, 30, whole.len() / 2] {
                // Half a JPEG may be half a picture; nothing may panic.
                let _made = shrink(&whole[..length], media_type);
            }
            assert!(shrink(&whole[..30.min(whole.len())], media_type).is_none(), "{media_type}");
        }
        assert!(shrink(&small, "application/pdf").is_none());
    }

    #[test]
    fn of_ten_thousand_frames_the_first_is_looked_at() {
        let mut bytes = Vec::new();
        {
            let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
            for frame in 0..10_000_u32 {
                let shade = if frame == 0 { 255 } else { 0 };
                let pixels = image::RgbaImage::from_pixel(2, 2, image::Rgba([shade, shade, shade, 255]));
                encoder.encode_frame(image::Frame::new(pixels)).unwrap();
            }
        }
        let made = shrink(&bytes, "image/gif").unwrap();
        let white = image::RgbImage::from_pixel(2, 2, image::Rgb([255, 255, 255]));
        assert_eq!(made.blurhash[2..6], blurhash::of(&white, 2, 2)[2..6]);
    }
}
