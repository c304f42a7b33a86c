//! Dynamic images (Bilen et al. 2016): the pooled vector of a clip's own pixels is a picture of its motion.

use std::sync::Arc;

use autodiff::{Buffer, DType, Device};
use experiment::{Error, Run};
use learn::layers::Layer;

use crate::clips::{Clips, Fold, Frames};
use crate::fold::asking;
use crate::network::Network;
use crate::pool::{Directions, Pool, Pooling, Rank};
use crate::task::{Reader, Setup};

/// Clips that are shown, of different classes as far as there are some.
const SHOWN: usize = 4;
/// Smallest side of a frame in a picture.
const SIDE: usize = 96;

/// Publishes a picture of some test clips, where frames are pictures and clips are rank pooled: their first,
/// middle and last frames, and the vector of their pixels, grey being zero.
pub(crate) fn show(
    pooling: Pooling,
    rank: Rank,
    setup: &Arc<Setup>,
    fold: &Fold,
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let ranks = matches!(pooling, Pooling::Rank | Pooling::ApproximateRank);
    let (&[channels, height, width], Frames::Bytes(_), true) =
        (&setup.clips.shape[..], &setup.clips.frames, ranks)
    else {
        return Ok(());
    };
    let chosen = some(&setup.clips, &fold.test);
    let pixels = Arc::new(setup.pixels(&chosen)?);
    let values = channels * height * width;
    let pool = Pool::new(pooling, Rank { directions: Directions::Forward, ..rank }, values);
    let network = Network::of_features(values, setup.clips.classes.len());
    let layout = pool.layout();
    let mut reader = Reader::new(&pixels, &layout, |params, fields, batch| {
        network.vectors_of(&pool, params, fields, batch)
    })
    .map_err(asking)?;
    let mut nothing = Buffer::zeros(Device::current(), DType::F32, 0).map_err(asking)?;
    let all: Vec<usize> = (0..chosen.len()).collect();
    let vectors = reader.read(&mut nothing, &all).map_err(asking)?;
    for (clip, vector) in pixels.clips.clips.iter().zip(&vectors) {
        let Frames::Floats(frames) = &pixels.clips.frames else { continue };
        let frame = |at: usize| &frames[(clip.first + at) * values..(clip.first + at + 1) * values];
        let largest = vector.iter().fold(f32::MIN_POSITIVE, |most, x| x.abs().max(most));
        let grey: Vec<f32> = vector.iter().map(|x| 0.5 + 0.5 * x / largest).collect();
        let [middle, last] = [clip.length / 2, clip.length - 1];
        let tiles = [frame(0), frame(middle), frame(last), &grey];
        let name: String = clip.name.chars().map(plain).collect();
        run.artifact(&format!("dynamic-{name}.png"), &png(tiles, [channels, height, width])?)?;
    }
    Ok(())
}

/// The first test clip of each of the first classes, then the first of the others.
fn some(clips: &Clips, test: &[usize]) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for again in [false, true] {
        for &clip in test {
            let classes = &clips.clips[clip].classes;
            let seen = chosen.iter().any(|&other| clips.clips[other].classes == *classes);
            if chosen.len() < SHOWN && seen == again && !chosen.contains(&clip) {
                chosen.push(clip);
            }
        }
    }
    chosen
}

fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() { c } else { '-' }
}

/// Pictures `[channels, height, width]` of values from 0 to 1 beside each other.
fn png<const N: usize>(
    tiles: [&[f32]; N],
    [channels, height, width]: [usize; 3],
) -> Result<Vec<u8>, Error> {
    let scale = SIDE.div_ceil(height.min(width));
    let (wide, high) = (N * width * scale, height * scale);
    let mut pixels = Vec::with_capacity(wide * high * channels);
    for (row, column) in (0..high).flat_map(|row| (0..wide).map(move |column| (row, column))) {
        let (tile, row, column) = (tiles[column / (width * scale)], row / scale, column / scale);
        for channel in 0..channels {
            let value = tile[(channel * height + row) * width + column % width];
            pixels.push((255.0 * value).round().clamp(0.0, 255.0) as u8);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, wide as u32, high as u32);
    encoder.set_color(if channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|e| Error::other("drawing a dynamic image", e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_side_by_side() {
        let [dark, light] = [[0.0f32; 4], [1.0; 4]];
        let file = png([&dark, &light], [1, 2, 2]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!((reader.info().width, reader.info().height), (192, 96));
        assert!(pixels.chunks(96).enumerate().all(|(at, row)| {
            row.iter().all(|&value| value == if at % 2 == 0 { 0 } else { 255 })
        }));
    }
}
