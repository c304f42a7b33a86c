//! Pictures of discs that cover each other, whose sizes follow the statistics of photographs
//! (Lee, Mumford & Huang 2001, *Occlusion models for natural images*): a set that is the same everywhere.

use experiment::Stream;
use rand::RngExt;

use crate::picture::Picture;

/// Pictures of the set.
pub(crate) const PICTURES: u64 = 8;
/// Pixels a side.
const SIDE: usize = 128;
/// Discs a picture.
const DISCS: usize = 1500;
/// Smallest and largest radius; between them a radius r is as frequent as `r^-3`.
const RADII: (f64, f64) = (2.0, 64.0);

/// The set.
pub(crate) fn leaves() -> Vec<Picture> {
    let stream = Stream::new(0, "leaves");
    (0..PICTURES).map(|index| picture(&stream, index)).collect()
}

fn picture(stream: &Stream, index: u64) -> Picture {
    let mut rng = stream.rng(index);
    let side = SIDE as f64;
    let mut found = Picture::of([SIDE, SIDE], |_, _, _| 127.5);
    let (small, large) = (RADII.0.powi(-2), RADII.1.powi(-2));
    for _ in 0..DISCS {
        let radius = (small + rng.random::<f64>() * (large - small)).powf(-0.5);
        let [x, y] = [(); 2].map(|()| rng.random::<f64>() * (side + 2.0 * radius) - radius);
        // Most of what colours differ by is brightness.
        let brightness = rng.random::<f32>();
        let colour = [(); 3].map(|()| 255.0 * (0.7 * brightness + 0.3 * rng.random::<f32>()));
        disc(&mut found, [x, y], radius, colour);
    }
    found
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounds of a disc within the picture"
)]
fn disc(picture: &mut Picture, [x, y]: [f64; 2], radius: f64, colour: [f32; 3]) {
    let range = |at: f64| {
        let last = (at + radius).ceil().clamp(0.0, SIDE as f64);
        (at - radius).floor().max(0.0) as usize..last as usize
    };
    for row in range(y) {
        for column in range(x) {
            let (dx, dy) = (column as f64 + 0.5 - x, row as f64 + 0.5 - y);
            if dx * dx + dy * dy > radius * radius {
                continue;
            }
            for (channel, value) in colour.into_iter().enumerate() {
                picture.planes[(channel * SIDE + row) * SIDE + column] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_the_same_everywhere_and_covers_the_picture() {
        let all = leaves();
        assert_eq!((all.len(), all[0].size), (8, [128, 128]));
        assert_eq!(all[3], picture(&Stream::new(0, "leaves"), 3));
        assert_ne!(all[3], all[4]);
        let bare = all[0].planes.iter().filter(|value| **value == 127.5).count();
        assert!(bare < all[0].planes.len() / 20, "{bare} values were never covered");
    }
}
