//! Clips: sequences of frames with classes, and the folds of a test.

/// The frames of all clips, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frames {
    /// Values of 255 steps, which are 0 to 1 for a network.
    Bytes(Vec<u8>),
    /// Values as they are.
    Floats(Vec<f32>),
}

/// One clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clip {
    /// Unique among the clips.
    pub(crate) name: String,
    /// Its first frame among all.
    pub(crate) first: usize,
    /// Number of its frames.
    pub(crate) length: usize,
    /// Its classes, in ascending order.
    pub(crate) classes: Vec<u32>,
    /// Whom or what it is of: a person, a fold.
    pub(crate) group: String,
    /// Whether it is read from the last frame to the first.
    pub(crate) backwards: bool,
}

/// Clips of frames of one shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clips {
    /// Shape of a frame: `[channels, height, width]` of a picture, `[values]` otherwise.
    pub(crate) shape: Vec<usize>,
    pub(crate) frames: Frames,
    pub(crate) clips: Vec<Clip>,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// Whether clips may be of any number of classes rather than of one.
    pub(crate) many: bool,
}

/// Which clips are learned from and which are asked about, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) train: Vec<usize>,
    pub(crate) test: Vec<usize>,
}

/// What a network sees of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The first frame.
    pub(crate) start: usize,
    /// From one frame to the next.
    pub(crate) stride: usize,
    /// How many frames.
    pub(crate) count: usize,
    /// Whether pictures are mirrored, left for right.
    pub(crate) mirrored: bool,
    /// By how many pixels they are moved down and to the right; what comes in is black.
    pub(crate) shift: [isize; 2],
}

impl View {
    /// Every `stride`-th frame of a clip of `length` frames.
    pub(crate) fn whole(length: usize, stride: usize) -> Self {
        let count = length.div_ceil(stride);
        Self { start: 0, stride, count, mirrored: false, shift: [0; 2] }
    }
}

impl Clip {
    /// Its class, where clips have one.
    pub(crate) fn class(&self) -> u32 {
        self.classes[0]
    }

    /// Whether it is of a class.
    pub(crate) fn is_of(&self, class: usize) -> bool {
        self.classes.iter().any(|&own| own as usize == class)
    }
}

impl Clips {
    /// The same clips, of frames that are no pictures each value less its mean over the frames of `train`
    /// and over its deviation there; none of pictures.
    pub(crate) fn standardised(&self, train: &[usize]) -> Option<Self> {
        let Frames::Floats(values) = &self.frames else { return None };
        let (size, mut values) = (self.values(), values.clone());
        let rows = train.iter().flat_map(|&clip| {
            let Clip { first, length, .. } = self.clips[clip];
            first..first + length
        });
        let rows: Vec<usize> = rows.collect();
        for column in 0..size {
            let of = |row: &usize| f64::from(values[row * size + column]);
            let mean = rows.iter().map(of).sum::<f64>() / rows.len() as f64;
            let square = rows.iter().map(|row| (of(row) - mean).powi(2)).sum::<f64>();
            let deviation = (square / rows.len() as f64).sqrt();
            let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
            for value in values.iter_mut().skip(column).step_by(size) {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
        Some(Self { frames: Frames::Floats(values), ..self.clone() })
    }

    /// Values of a frame.
    pub(crate) fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// Writes frame `t` of a view of a clip.
    pub(crate) fn write(&self, clip: &Clip, view: &View, t: usize, to: &mut [f32]) {
        let at = view.start + t * view.stride;
        let at = if clip.backwards { clip.length - 1 - at } else { at };
        let size = self.values();
        let range = (clip.first + at) * size..(clip.first + at + 1) * size;
        let straight = !view.mirrored && view.shift == [0; 2];
        match &self.frames {
            Frames::Floats(values) => to.copy_from_slice(&values[range]),
            Frames::Bytes(values) if straight => {
                let from = &values[range];
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = f32::from(from) / 255.0);
            }
            Frames::Bytes(values) => self.moved(&values[range], view, to),
        }
    }

    /// Writes a picture, mirrored and moved.
    fn moved(&self, from: &[u8], view: &View, to: &mut [f32]) {
        let &[channels, height, width] = &self.shape[..] else {
            panic!("frames of shape {:?} are no pictures", self.shape);
        };
        let [down, right] = view.shift;
        debug_assert_eq!(to.len(), channels * height * width);
        for (at, to) in to.iter_mut().enumerate() {
            let (plane, row, column) = (at / (height * width), at / width % height, at % width);
            let source = row.checked_add_signed(-down).filter(|&row| row < height);
            let beside = column.checked_add_signed(-right).filter(|&column| column < width);
            *to = match (source, beside) {
                (Some(row), Some(column)) => {
                    let column = if view.mirrored { width - 1 - column } else { column };
                    f32::from(from[(plane * height + row) * width + column]) / 255.0
                }
                _ => 0.0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips() -> Clips {
        let clip = |name: &str, first, length, backwards| Clip {
            name: name.into(),
            first,
            length,
            classes: vec![0],
            group: String::new(),
            backwards,
        };
        Clips {
            shape: vec![1, 2, 2],
            frames: Frames::Bytes((0..20).map(|value| value * 5).collect()),
            clips: vec![clip("a", 0, 2, false), clip("b", 2, 3, true)],
            classes: vec!["only".into()],
            many: false,
        }
    }

    #[test]
    fn values_are_standardised_by_the_frames_of_training() {
        // Frames (1, 5), (3, 5) of the first clip, which is trained with, and (9, 6) of the other.
        let mut clips = Clips { shape: vec![2], ..clips() };
        clips.clips[1].length = 1;
        clips.frames = Frames::Floats(vec![1.0, 5.0, 3.0, 5.0, 9.0, 6.0]);
        let Some(Clips { frames: Frames::Floats(values), .. }) = clips.standardised(&[0]) else {
            panic!("floats");
        };
        assert_eq!(values, [-1.0, 0.0, 1.0, 0.0, 7.0, 1.0]);
    }

    fn frame(clip: usize, view: View, t: usize) -> Vec<f32> {
        let clips = clips();
        let mut to = vec![9.0; 4];
        clips.write(&clips.clips[clip], &view, t, &mut to);
        to.iter().map(|value| (value * 51.0).round()).collect()
    }

    #[test]
    fn a_view_takes_every_so_many_frames_forwards_or_backwards() {
        let view = View::whole(3, 2);
        assert_eq!(view.count, 2);
        assert_eq!(frame(0, View::whole(2, 1), 1), [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(frame(1, view, 0), [16.0, 17.0, 18.0, 19.0]);
        assert_eq!(frame(1, view, 1), [8.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn pictures_are_mirrored_and_moved() {
        let whole = View::whole(2, 1);
        assert_eq!(frame(0, View { mirrored: true, ..whole }, 1), [5.0, 4.0, 7.0, 6.0]);
        assert_eq!(frame(0, View { shift: [1, 0], ..whole }, 1), [0.0, 0.0, 4.0, 5.0]);
        assert_eq!(frame(0, View { shift: [0, -1], ..whole }, 1), [5.0, 0.0, 7.0, 0.0]);
    }
}
