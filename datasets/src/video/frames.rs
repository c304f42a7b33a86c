//! Frames of one size, of pictures of any and of videos.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use image::{ImageReader, Limits};

use super::tree::{Found, Source};
use super::{BYTES, Clip, FRAMES, SIDE};
use crate::mismatch::Mismatch;

/// Bytes of a picture's file, and what decoding one may take.
const MEMORY: u64 = 256 << 20;
/// Frames of a video that are looked at.
const DECODED: usize = 20_000;

/// The frames of all clips, one clip at a time, as bytes to be read.
pub(crate) struct Stream {
    found: std::vec::IntoIter<Found>,
    /// The program that decodes videos.
    ffmpeg: PathBuf,
    clips: Vec<Clip>,
    /// Frames of the last clip, and how many of their bytes were read.
    frames: Vec<u8>,
    at: usize,
    next: usize,
    /// Why it ended early.
    fault: Option<Mismatch>,
}

impl Stream {
    pub(super) fn new(found: Vec<Found>, ffmpeg: &Path) -> Self {
        let (found, ffmpeg) = (found.into_iter(), ffmpeg.into());
        let (clips, frames) = (Vec::new(), Vec::new());
        Self { found, ffmpeg, clips, frames, at: 0, next: 0, fault: None }
    }

    /// The clips that were read.
    pub(crate) fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// Why reading failed, if it did for a clip.
    pub(crate) fn fault(&mut self) -> Option<Mismatch> {
        self.fault.take()
    }

    /// Makes the frames of the next clip, if there is one.
    fn advance(&mut self) -> Result<bool, Mismatch> {
        let Some(Found { name, test, classes, source }) = self.found.next() else {
            return Ok(false);
        };
        self.frames = match source {
            Source::Pictures(paths) => pictures(&paths)?,
            Source::Video(path) => video(&self.ffmpeg, &path)?,
        };
        self.at = 0;
        let frames = self.frames.len() / BYTES;
        self.clips.push(Clip { name, test, first: self.next, frames, classes });
        self.next += frames;
        Ok(true)
    }
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.frames.len() {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(fault) => {
                    let text = fault.to_string();
                    self.fault = Some(fault);
                    return Err(io::Error::other(text));
                }
            }
        }
        let count = to.len().min(self.frames.len() - self.at);
        to[..count].copy_from_slice(&self.frames[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Which frames of so many are taken.
fn chosen(frames: usize) -> impl Iterator<Item = usize> {
    let count = frames.min(FRAMES);
    (0..count).map(move |at| if count == frames { at } else { at * (frames - 1) / (count - 1) })
}

fn pictures(paths: &[PathBuf]) -> Result<Vec<u8>, Mismatch> {
    let mut frames = Vec::new();
    for at in chosen(paths.len()) {
        let (rgb, extent) = picture(&paths[at])?;
        frames.extend(shrunk(&rgb, extent));
    }
    Ok(frames)
}

/// The pixels of a picture, red, green and blue beside each other, with its height and width.
fn picture(path: &Path) -> Result<(Vec<u8>, [usize; 2]), Mismatch> {
    let fail = |found: String| {
        Mismatch::new(path.display().to_string(), "a frame as a whole JPEG or PNG", found)
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|e| fail(e.to_string()))?;
    file.take(MEMORY).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|e| fail(e.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(|e| fail(e.to_string()))?.into_rgb8();
    let extent = [picture.height() as usize, picture.width() as usize];
    if extent.contains(&0) {
        return Err(fail("one without pixels".into()));
    }
    Ok((picture.into_raw(), extent))
}

/// A picture of any extent as a frame: each pixel is the mean of what it covers.
fn shrunk(rgb: &[u8], [height, width]: [usize; 2]) -> Vec<u8> {
    // Rows first, which leaves [SIDE, width, 3], then columns.
    let [rows, columns] = [height, width].map(covers);
    let mut narrow = vec![0.0; SIDE * width * 3];
    for (row, to) in rows.iter().zip(narrow.chunks_exact_mut(width * 3)) {
        for &(from, share) in row {
            let from = &rgb[from * width * 3..(from + 1) * width * 3];
            to.iter_mut().zip(from).for_each(|(to, &from)| *to += share * f64::from(from));
        }
    }
    let mut frame = vec![0; BYTES];
    for (at, to) in frame.iter_mut().enumerate() {
        let (plane, row, column) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
        let value =
            |&(from, share): &(usize, f64)| share * narrow[(row * width + from) * 3 + plane];
        let mean: f64 = columns[column].iter().map(value).sum();
        *to = mean.round().clamp(0.0, 255.0) as u8;
    }
    frame
}

/// Of each of `SIDE` places along an axis which pixels of `extent` it covers, and their shares.
fn covers(extent: usize) -> Vec<Vec<(usize, f64)>> {
    let scale = extent as f64 / SIDE as f64;
    let place = |at: usize| {
        let (start, end) = (at as f64 * scale, (at + 1) as f64 * scale);
        let last = (end.ceil() as usize).min(extent);
        let share = move |pixel: usize| {
            let inside = end.min((pixel + 1) as f64) - start.max(pixel as f64);
            (pixel, inside / scale)
        };
        (start as usize..last).map(share).filter(|(_, share)| *share > 0.0).collect()
    };
    (0..SIDE).map(place).collect()
}

/// The frames of a video, decoded and shrunk by ffmpeg.
fn video(ffmpeg: &Path, path: &Path) -> Result<Vec<u8>, Mismatch> {
    let fail = |wanted: &str, found: String| {
        Mismatch::new(path.display().to_string(), wanted.to_owned(), found)
    };
    let scale = format!("scale={SIDE}:{SIDE}:flags=area");
    let mut command = Command::new(ffmpeg);
    command.args(["-nostdin", "-v", "error", "-i"]).arg(path);
    command.args(["-vf", &scale, "-frames:v", &DECODED.to_string()]);
    command.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]).stdin(Stdio::null());
    let done = command.output().map_err(|e| {
        let wanted = "a folder of frames in place of this video, or ffmpeg to decode it (apt-get \
                      install ffmpeg)";
        fail(wanted, format!("{}: {e}", ffmpeg.display()))
    })?;
    let pixels = &done.stdout;
    if !done.status.success() || pixels.is_empty() || pixels.len() % BYTES != 0 {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().next().unwrap_or("no frame").replace(char::is_control, "?");
        return Err(fail("a video that ffmpeg decodes", said));
    }
    let frame = |at: usize| {
        let pixels = &pixels[at * BYTES..(at + 1) * BYTES];
        (0..3).flat_map(|plane| pixels.iter().skip(plane).step_by(3).copied())
    };
    Ok(chosen(pixels.len() / BYTES).flat_map(frame).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_long_clips_lie_at_equal_distances() {
        assert_eq!(chosen(3).collect::<Vec<_>>(), [0, 1, 2]);
        let many: Vec<usize> = chosen(125).collect();
        assert_eq!((many.len(), many[0], many[1], many[31]), (32, 0, 4, 124));
        assert_eq!(chosen(1).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers() {
        // 3 pixels of width: the first covers 0 to 42.67 of the 128 places.
        let rgb: Vec<u8> = [30, 60, 90].into_iter().flat_map(|v| [v, 0, 255 - v]).collect();
        let frame = shrunk(&rgb, [1, 3]);
        assert_eq!((frame[0], frame[41], frame[43], frame[127]), (30, 30, 60, 90));
        // Place 42 is two thirds of the first and a third of the second.
        assert_eq!(frame[42], 40);
        assert_eq!(frame[2 * SIDE * SIDE], 225);
        assert!(frame[SIDE * SIDE..2 * SIDE * SIDE].iter().all(|&value| value == 0));
        // 256 pixels: pairs.
        let rgb: Vec<u8> = (0..256).flat_map(|at| [if at % 2 == 0 { 10 } else { 20 }; 3]).collect();
        assert!(shrunk(&rgb, [256, 1])[..SIDE].iter().all(|&value| value == 15));
    }
}
