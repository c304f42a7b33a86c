//! The Weizmann actions (Gorelick et al. 2007) as silhouettes: nine people, ten actions, 93 clips.

use crate::error::Error;
use crate::mismatch::Mismatch;
use crate::store::Store;

/// The name of the manifest.
pub const DATASET: &str = "weizmann";
/// Height and width of a released frame.
pub const EXTENT: [usize; 2] = [144, 180];
/// The actions, in alphabetical order.
pub const ACTIONS: [&str; 10] =
    ["bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2"];

/// Bytes of a frame: a bit a pixel.
const FRAME: usize = EXTENT[0] * EXTENT[1] / 8;

/// One clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Person and action, for example `lena_run1`.
    pub name: String,
    /// Who is seen.
    pub person: String,
    /// The number of the action in [`ACTIONS`].
    pub action: usize,
    /// Its first frame among all.
    pub first: usize,
    /// Number of its frames.
    pub frames: usize,
}

/// Silhouettes of all clips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silhouettes {
    /// The clips, in the order of their frames.
    pub clips: Vec<Clip>,
    /// The bits of all frames, row-major from the highest bit on, 1 for the person.
    bits: Vec<u8>,
}

impl Silhouettes {
    /// Reads the bits of frames and a table of clips: name, first frame and number of frames, with tabs
    /// between them. A name is a person and an action, after which a digit may follow.
    ///
    /// # Errors
    /// [`Mismatch`]: a line with other columns, an unknown action, clips that do not follow one another,
    /// or other frames than they have together.
    pub fn read(bits: (&str, &[u8]), table: (&str, &[u8])) -> Result<Self, Mismatch> {
        let text = std::str::from_utf8(table.1)
            .map_err(|e| Mismatch::new(table.0, "UTF-8", e.to_string()))?;
        let (mut clips, mut next) = (Vec::new(), 0);
        for (number, line) in text.lines().enumerate() {
            let clip = clip(line, next)
                .map_err(|(wanted, found)| Mismatch::new(at(table.0, number), wanted, found))?;
            next += clip.frames;
            clips.push(clip);
        }
        if bits.1.len() != next * FRAME {
            let wanted = format!("{} bytes, the {next} frames of {}", next * FRAME, table.0);
            return Err(Mismatch::new(bits.0, wanted, bits.1.len().to_string()));
        }
        Ok(Self { clips, bits: bits.1.to_vec() })
    }

    /// Frame `frame` of all, averaged over boxes of `1 / scale` of its extents and of 255 for a box that
    /// is all person, row-major.
    ///
    /// # Panics
    /// If there is no such frame, or the extents are no multiples of `scale`.
    pub fn shrunk(&self, frame: usize, scale: usize) -> Vec<u8> {
        let [height, width] = EXTENT;
        assert!(
            scale > 0 && height % scale == 0 && width % scale == 0,
            "scale: wanted a divisor of {height} and {width}, found {scale}"
        );
        let bits = &self.bits[frame * FRAME..(frame + 1) * FRAME];
        let mut sums = vec![0u32; (height / scale) * (width / scale)];
        for at in 0..height * width {
            let bit = bits[at / 8] >> (7 - at % 8) & 1;
            sums[at / width / scale * (width / scale) + at % width / scale] += u32::from(bit);
        }
        let all = (scale * scale) as u32;
        sums.into_iter().map(|sum| ((sum * 255 + all / 2) / all) as u8).collect()
    }
}

fn at(file: &str, number: usize) -> String {
    format!("{file} line {}", number + 1)
}

/// A clip of a line of the table, whose frames begin at `next`; else what was wanted and found.
fn clip(line: &str, next: usize) -> Result<Clip, (String, String)> {
    let columns: Vec<&str> = line.split('\t').collect();
    let &[name, first, frames] = columns.as_slice() else {
        let found = format!("{} columns", columns.len());
        return Err(("name, first frame and number of frames".into(), found));
    };
    let known = name.split_once('_').and_then(|(person, action)| {
        let exact = ACTIONS.iter().position(|known| *known == action);
        let plain = action.trim_end_matches(|c: char| c.is_ascii_digit());
        let action = exact.or_else(|| ACTIONS.iter().position(|known| *known == plain))?;
        Some((person.to_owned(), action))
    });
    let Some((person, action)) = known else {
        return Err((format!("a person, _ and one of {}", ACTIONS.join(", ")), name.into()));
    };
    if first.parse() != Ok(next) {
        return Err((format!("the first frame {next}, after the clip before"), first.into()));
    }
    match frames.parse() {
        Ok(frames) if frames > 0 => {
            Ok(Clip { name: name.into(), person, action, first: next, frames })
        }
        _ => Err(("a number of frames above 0".into(), frames.into())),
    }
}

/// All silhouettes.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`].
pub fn load(store: &Store) -> Result<Silhouettes, Error> {
    let (bits, table) = ("weizmann-masks-144x180.bits", "weizmann-masks.tsv");
    let dir = store.open(DATASET)?;
    Ok(Silhouettes::read((bits, &dir.read(bits)?), (table, &dir.read(table)?))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str, bits: &[u8]) -> Result<Silhouettes, Mismatch> {
        Silhouettes::read(("bits", bits), ("table", table.as_bytes()))
    }

    #[test]
    fn clips_are_read_and_frames_shrunk() {
        let mut bits = vec![0; 3 * FRAME];
        // Of frame 2 the first 9 pixels of the first row, and the last of all.
        bits[2 * FRAME] = 0xff;
        bits[2 * FRAME + 1] = 0x80;
        bits[3 * FRAME - 1] = 1;
        let found = read("eli_wave1\t0\t2\nlena_run1\t2\t1\n", &bits).unwrap();
        assert_eq!((found.clips[0].action, &found.clips[0].person[..]), (8, "eli"));
        assert_eq!((found.clips[1].action, found.clips[1].first), (4, 2));
        let small = found.shrunk(2, 3);
        assert_eq!(small.len(), 48 * 60);
        assert_eq!(small[..4], [85, 85, 85, 0]);
        assert_eq!(small[48 * 60 - 1], 28);
        assert!(found.shrunk(0, 1).iter().all(|&value| value == 0));
    }

    #[test]
    fn faults_are_named() {
        let told = |table: &str, frames: usize| {
            read(table, &vec![0; frames * FRAME]).unwrap_err().to_string()
        };
        assert_eq!(
            told("eli_run\t0\n", 0),
            "table line 1: wanted name, first frame and number of frames, found 2 columns"
        );
        let wanted = format!("table line 1: wanted a person, _ and one of {}", ACTIONS.join(", "));
        assert_eq!(told("eli_fly\t0\t3\n", 3), format!("{wanted}, found eli_fly"));
        assert_eq!(
            told("eli_run\t0\t3\neli_bend\t4\t1\n", 4),
            "table line 2: wanted the first frame 3, after the clip before, found 4"
        );
        assert_eq!(
            told("eli_run\t0\t0\n", 0),
            "table line 1: wanted a number of frames above 0, found 0"
        );
        assert_eq!(
            told("eli_run\t0\t3\n", 2),
            "bits: wanted 9720 bytes, the 3 frames of table, found 6480"
        );
    }
}
