//! Short films whose classes differ in nothing but the order of their frames.
//!
//! Class `2k + 1` is class `2k` backwards: a blob that goes right or left, a disc that grows or shrinks, a
//! diamond that becomes a cross or a cross that becomes a diamond. The test films come in twins, each
//! film and its exact reversal, so that whoever does not look at the order is right about half of them at
//! most.

use rand::{Rng, RngExt};

/// Grows whenever the same generators would give other films; part of a run's identity.
pub const GENERATOR_VERSION: u32 = 1;

/// What the classes are called, in the order of their numbers.
pub const CLASSES: [&str; 6] = [
    "goes right",
    "goes left",
    "grows",
    "shrinks",
    "diamond becomes cross",
    "cross becomes diamond",
];

/// How films are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Height and width of a frame.
    pub side: usize,
    /// Whether frames have red, green and blue, with a colour for the shape and one for the ground drawn
    /// for each film, or one channel of a light shape on dark ground.
    pub colour: bool,
    /// Fewest and most frames of a film.
    pub frames: [usize; 2],
    /// Standard deviation of the noise of each value, in units of the whole range.
    pub noise: f64,
    /// Discs that stand still throughout a film, half as bright as what moves.
    pub still: usize,
}

impl Look {
    /// Channels of a frame.
    pub fn channels(&self) -> usize {
        if self.colour { 3 } else { 1 }
    }

    /// Values of a frame.
    pub fn values(&self) -> usize {
        self.channels() * self.side * self.side
    }
}

/// One film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// Its frames one after the other, each `[channels, side, side]`.
    pub pixels: Vec<u8>,
    /// Its class.
    pub class: u8,
}

impl Film {
    /// The same frames from the last to the first, which is a film of the class beside.
    #[must_use]
    pub fn reversed(&self, look: &Look) -> Self {
        let frames = self.pixels.chunks_exact(look.values());
        Self { pixels: frames.rev().flatten().copied().collect(), class: self.class ^ 1 }
    }
}

/// Makes `films` films, of the classes in turn. Film `i` is a function of `rng(i)` and its class.
///
/// # Panics
/// When a film could have no frame, or frames no pixel.
pub fn generate<R: Rng>(films: usize, look: &Look, mut rng: impl FnMut(u64) -> R) -> Vec<Film> {
    let [fewest, most] = look.frames;
    assert!(
        fewest >= 1 && fewest <= most,
        "frames: wanted 1 or more, in order, found {fewest}, {most}"
    );
    assert!(look.side >= 1, "side: wanted 1 or more, found 0");
    let class = |film: usize| (film % CLASSES.len()) as u8;
    (0..films).map(|at| film(class(at), look, &mut rng(at as u64))).collect()
}

/// What a film shows, in units of the side.
struct Scene {
    /// Which of the three.
    kind: u8,
    /// Centre at the first and at the last frame.
    centres: [[f64; 2]; 2],
    /// Radius at the first and at the last frame.
    radii: [f64; 2],
    /// The share of the frames after which a diamond becomes a cross.
    turn: f64,
}

impl Scene {
    fn draw(kind: u8, rng: &mut impl Rng) -> Self {
        let mut within = |low: f64, high: f64| rng.random_range(low..high);
        let centre = [within(0.35, 0.65), within(0.35, 0.65)];
        let radius = within(0.12, 0.3);
        let still = Self { kind, centres: [centre; 2], radii: [radius; 2], turn: within(0.3, 0.7) };
        match kind {
            0 => {
                let ends = [within(0.1, 0.35), within(0.65, 0.9)];
                let heights = [within(0.25, 0.75), within(-0.1, 0.1)];
                let centres = [[ends[0], heights[0]], [ends[1], heights[0] + heights[1]]];
                Self { centres, radii: [within(0.1, 0.18); 2], ..still }
            }
            1 => Self { radii: [within(0.06, 0.14), within(0.24, 0.36)], ..still },
            _ => still,
        }
    }

    /// A disc somewhere.
    fn still(rng: &mut impl Rng) -> Self {
        let mut within = |low: f64, high: f64| rng.random_range(low..high);
        let centre = [within(0.0, 1.0), within(0.0, 1.0)];
        Self { kind: 0, centres: [centre; 2], radii: [within(0.06, 0.2); 2], turn: 1.0 }
    }

    /// How much of a pixel at `(x, y)` the shape covers, at a share of the film.
    fn cover(&self, share: f64, pixel: f64, (x, y): (f64, f64)) -> f64 {
        let between = |ends: [f64; 2]| ends[0] + share * (ends[1] - ends[0]);
        let centre = [0, 1].map(|axis| between([self.centres[0][axis], self.centres[1][axis]]));
        let (dx, dy) = ((x - centre[0]).abs(), (y - centre[1]).abs());
        let radius = between(self.radii);
        let inside = match self.kind {
            2 if share < self.turn => (radius - dx - dy) / 2f64.sqrt(),
            2 => {
                let bar = radius * 0.25;
                (radius - dx.max(dy)).min(bar - dx.min(dy))
            }
            _ => radius - dx.hypot(dy),
        };
        (0.5 + inside / pixel).clamp(0.0, 1.0)
    }
}

fn film(class: u8, look: &Look, rng: &mut impl Rng) -> Film {
    let [fewest, most] = look.frames;
    let frames = rng.random_range(fewest..=most);
    let scene = Scene::draw(class / 2, rng);
    let colours = colours(look, rng);
    let pixel = 1.0 / look.side as f64;
    let place = |at: usize| {
        let (row, column) = (at / look.side, at % look.side);
        ((column as f64 + 0.5) * pixel, (row as f64 + 0.5) * pixel)
    };
    let still: Vec<Scene> = (0..look.still).map(|_| Scene::still(rng)).collect();
    let behind =
        |at| still.iter().map(|disc| disc.cover(0.0, pixel, place(at))).fold(0.0, f64::max);
    let behind: Vec<f64> = (0..look.side * look.side).map(behind).collect();
    let mut pixels = Vec::with_capacity(frames * look.values());
    for frame in 0..frames {
        let share = frame as f64 / (frames - 1).max(1) as f64;
        for [ground, shape] in &colours {
            for (at, behind) in behind.iter().enumerate() {
                let cover = scene.cover(share, pixel, place(at)).max(0.5 * behind);
                let value = ground + (shape - ground) * cover;
                let noise = look.noise * noise(rng);
                pixels.push(((value + noise) * 255.0).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    let film = Film { pixels, class: class & !1 };
    if class % 2 == 1 { film.reversed(look) } else { film }
}

/// Of each channel what the ground and the shape have.
fn colours(look: &Look, rng: &mut impl Rng) -> Vec<[f64; 2]> {
    if !look.colour {
        return vec![[0.2, 0.8]];
    }
    loop {
        let drawn: Vec<[f64; 2]> =
            (0..3).map(|_| [rng.random_range(0.1..0.9), rng.random_range(0.1..0.9)]).collect();
        // Shape and ground are told apart by some channel.
        if drawn.iter().any(|[ground, shape]| (ground - shape).abs() > 0.4) {
            return drawn;
        }
    }
}

/// A number of mean 0 and deviation 1 that is close to normal: of four uniform ones.
fn noise(rng: &mut impl Rng) -> f64 {
    let sum: f64 = (0..4).map(|_| rng.random::<f64>()).sum();
    (sum - 2.0) * 3f64.sqrt()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const LOOK: Look = Look { side: 32, colour: false, frames: [5, 9], noise: 0.0, still: 0 };

    /// Mean place of the light in each frame, along x, and how much of it there is.
    fn light(film: &Film, look: &Look) -> Vec<(f64, f64)> {
        film.pixels
            .chunks_exact(look.values())
            .map(|frame| {
                let bright = frame.iter().map(|&v| f64::from(v) - 51.0);
                let sum: f64 = bright.clone().sum();
                let x = bright.enumerate().map(|(at, v)| (at % look.side) as f64 * v).sum::<f64>();
                (x / sum, sum)
            })
            .collect()
    }

    #[test]
    fn classes_are_what_they_are_called() {
        let films = generate(60, &LOOK, ChaCha8Rng::seed_from_u64);
        for film in &films {
            let light = light(film, &LOOK);
            let (first, last) = (light[0], light[light.len() - 1]);
            match film.class {
                0 => assert!(last.0 > first.0 + 2.0),
                1 => assert!(last.0 < first.0 - 2.0),
                2 => assert!(last.1 > 2.0 * first.1),
                3 => assert!(last.1 < first.1 / 2.0),
                // A diamond has the area 2 r^2, the cross after it 1.75 r^2.
                4 => assert!(first.1 > last.1),
                _ => assert!(first.1 < last.1),
            }
            assert!((5..=9).contains(&light.len()));
        }
        let count = |class| films.iter().filter(|film| film.class == class).count();
        assert!((0..6).all(|class| count(class) == 10));
    }

    #[test]
    fn a_film_and_its_reversal_have_the_same_frames() {
        let look = Look { side: 8, colour: true, frames: [3, 7], noise: 0.1, still: 2 };
        for film in generate(12, &look, ChaCha8Rng::seed_from_u64) {
            let reversed = film.reversed(&look);
            assert_eq!(reversed.class, film.class ^ 1);
            assert_eq!(reversed.reversed(&look), film);
            let frames = |film: &Film| {
                let mut frames: Vec<Vec<u8>> =
                    film.pixels.chunks_exact(look.values()).map(<[u8]>::to_vec).collect();
                frames.sort();
                frames
            };
            assert_eq!(frames(&film), frames(&reversed));
        }
    }

    #[test]
    fn a_film_depends_on_its_generator_alone_and_noise_has_its_deviation() {
        let two = generate(2, &LOOK, ChaCha8Rng::seed_from_u64);
        let five = generate(5, &LOOK, ChaCha8Rng::seed_from_u64);
        assert_eq!(two, five[..2]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<f64> = (0..20_000).map(|_| noise(&mut rng)).collect();
        let square = drawn.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!((square - 1.0).abs() < 0.03, "{square}");
    }
}
