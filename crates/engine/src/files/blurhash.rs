//! Blurhashes: a picture from far away, in about thirty characters. A few cosines of each colour are enough to show what
//! comes before it has come. The algorithm is that of <https://blurha.sh>, which every client can decode.

use std::f32::consts::PI;

const DIGITS: &[u8; 83] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// The hash of a small picture, three bytes for each pixel, row by row; empty if it has no pixels.
pub(super) fn of(rgb: &[u8], width: usize, height: usize) -> String {
    if width == 0 || height == 0 || rgb.len() < width * height * 3 {
        return String::new();
    }
    let (across, down) = if width >= height { (4, 3) } else { (3, 4) };
    let waves: Vec<[f32; 3]> =
        (0..down).flat_map(|j| (0..across).map(move |i| (i, j))).map(|at| wave(rgb, width, height, at)).collect();
    let mut hash = String::with_capacity(6 + 2 * waves.len());
    push(&mut hash, (across - 1 + (down - 1) * 9) as u32, 1);
    let strongest = waves[1..].iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
    let step = (strongest * 166.0 - 0.5).floor().clamp(0.0, 82.0);
    push(&mut hash, step as u32, 1);
    let [red, green, blue] = waves[0].map(to_srgb);
    push(&mut hash, red << 16 | green << 8 | blue, 4);
    for wave in &waves[1..] {
        let [red, green, blue] = wave.map(|value| quantised(value * 166.0 / (step + 1.0)));
        push(&mut hash, red * 19 * 19 + green * 19 + blue, 2);
    }
    hash
}

/// How much of a cosine is in each colour: measured in the middle of each pixel, so that one colour is no wave.
fn wave(rgb: &[u8], width: usize, height: usize, (i, j): (usize, usize)) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for (y, row) in rgb.chunks_exact(width * 3).take(height).enumerate() {
        let vertical = (PI * j as f32 * (y as f32 + 0.5) / height as f32).cos();
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            let weight = vertical * (PI * i as f32 * (x as f32 + 0.5) / width as f32).cos();
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += weight * to_linear(*value);
            }
        }
    }
    let scale = if (i, j) == (0, 0) { 1.0 } else { 2.0 } / (width * height) as f32;
    sum.map(|sum| sum * scale)
}

fn to_linear(value: u8) -> f32 {
    let value = f32::from(value) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_srgb(value: f32) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let curved = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (curved * 255.0 + 0.5) as u32
}

fn quantised(value: f32) -> u32 {
    (value.signum() * value.abs().sqrt() * 9.0 + 9.5).floor().clamp(0.0, 18.0) as u32
}

/// Writes a number with so many digits to the base of 83.
fn push(hash: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 83_u32.pow(place) % 83;
        hash.push(char::from(DIGITS[digit as usize]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_one_colour_is_that_colour_and_nothing_else() {
        let red = [255, 0, 0].repeat(12);
        let hash = of(&red, 4, 3);
        // Four by three; no wave is stronger than rounding; then the colour itself.
        assert_eq!(hash.len(), 6 + 2 * 11);
        assert_eq!(&hash[..6], "L0TI:j");
        assert!(hash.as_bytes()[6..].chunks(2).all(|wave| wave == b"fQ"), "{hash}");
    }

    #[test]
    fn what_is_bright_on_one_side_is_so_in_the_hash() {
        let rows: Vec<u8> = (0..8).flat_map(|_| (0..8).flat_map(|x| [if x < 4 { 0 } else { 255 }; 3])).collect();
        let (right, left) = (of(&rows, 8, 8), of(&rows.iter().rev().copied().collect::<Vec<_>>(), 8, 8));
        assert_ne!(right[6..8], left[6..8], "the first wave points the other way");
        assert_eq!(of(&rows, 8, 9), "", "there are not as many pixels");
        assert_eq!(of(&[], 0, 0), "");
    }

    #[test]
    fn one_that_is_higher_than_wide_has_more_waves_down() {
        let grey = [128, 128, 128].repeat(12);
        assert_eq!((&of(&grey, 3, 4)[..1], &of(&grey, 4, 3)[..1]), ("T", "L"));
    }
}
