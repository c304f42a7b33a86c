//! The table of clips: name, `train` or `test`, first frame, number of frames, names of classes.

use std::fmt::Write;

use super::{Clip, Set};
use crate::mismatch::Mismatch;

/// The table, a line a clip with tabs between columns and commas between classes.
pub(crate) fn write(set: Set, clips: &[Clip]) -> String {
    let mut text = String::new();
    for Clip { name, test, first, frames, classes } in clips {
        let part = if *test { "test" } else { "train" };
        let classes: Vec<&str> = classes.iter().map(|&class| set.classes()[class]).collect();
        let classes = classes.join(",");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}\t{part}\t{first}\t{frames}\t{classes}");
    }
    text
}

/// Reads a table.
///
/// # Errors
/// [`Mismatch`] for a line that [`write`] does not write.
pub(super) fn read(set: Set, file: &str, bytes: &[u8]) -> Result<Vec<Clip>, Mismatch> {
    let text =
        std::str::from_utf8(bytes).map_err(|e| Mismatch::new(file, "UTF-8", e.to_string()))?;
    let (mut clips, mut next) = (Vec::new(), 0);
    for (number, line) in text.lines().enumerate() {
        let clip = clip(set, line, next).ok_or_else(|| {
            let wanted = format!("name, part, first frame {next}, frames and classes");
            Mismatch::new(format!("{file} line {}", number + 1), wanted, line)
        })?;
        next += clip.frames;
        clips.push(clip);
    }
    Ok(clips)
}

fn clip(set: Set, line: &str, next: usize) -> Option<Clip> {
    let &[name, part, first, frames, classes] = &line.split('\t').collect::<Vec<_>>()[..] else {
        return None;
    };
    let test = match part {
        "train" => false,
        "test" => true,
        _ => return None,
    };
    let of = |name: &str| set.classes().iter().position(|class| *class == name);
    let classes = classes.split(',').filter(|name| !name.is_empty()).map(of);
    let clip = Clip {
        name: name.into(),
        test,
        first: first.parse().ok().filter(|&first| first == next)?,
        frames: frames.parse().ok().filter(|&frames| frames > 0)?,
        classes: classes.collect::<Option<_>>()?,
    };
    Some(clip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_faults_are_named() {
        let clip = |name: &str, test, first, frames, classes: &[usize]| {
            let (name, classes) = (name.into(), classes.to_vec());
            Clip { name, test, first, frames, classes }
        };
        let clips = [
            clip("a", false, 0, 3, &[0, 11]),
            clip("b", true, 3, 1, &[]),
            clip("c", true, 4, 2, &[8]),
        ];
        let text = write(Set::Hollywood2, &clips);
        assert_eq!(text.lines().next(), Some("a\ttrain\t0\t3\tAnswerPhone,StandUp"));
        assert_eq!(read(Set::Hollywood2, "t", text.as_bytes()).unwrap(), clips);
        let told = read(Set::Hollywood2, "t", b"a\ttrain\t1\t3\tRun\n").unwrap_err();
        let wanted = "t line 1: wanted name, part, first frame 0, frames and classes, found a\t";
        assert!(told.to_string().starts_with(wanted), "{told}");
        assert!(read(Set::UcfSports, "t", b"a\ttrain\t0\t3\tStandUp\n").is_err());
    }
}
