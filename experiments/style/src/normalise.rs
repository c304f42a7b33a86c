//! Weights whose every filter has a mean activation of 1 over a set of pictures (Gatys et al. 2015,
//! section Methods).
//!
//! A rectified convolution over a positive number, and the filters that read it times that number, make
//! a network of the same features at other scales: the means are taken once, of the network as it
//! came, and every filter is divided by its own.

use autodiff::{Buffer, DType, Device, Error, Graph};

use crate::observe::{Look, Looks, observe};
use crate::picture::Picture;
use crate::vgg::{Block, Vgg};
use crate::weights::Weights;

/// Share of a layer's mean that a filter's is at least taken for: a filter that hardly ever answers to
/// the set would otherwise be raised above all others.
const LEAST: f64 = 1e-2;

/// Mean activation of each filter, layer by layer, over pictures and positions. With `limit`, in bands
/// whose layers have at most about so many elements.
///
/// # Errors
/// An error of the trace, as for a picture that is too small; [`Error::Memory`].
pub(crate) fn means(
    vgg: &Vgg,
    weights: &Weights,
    pictures: &[Picture],
    limit: Option<usize>,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut sums: Vec<Vec<f64>> = vgg.filters().map(|filters| vec![0.0; filters]).collect();
    let mut positions = vec![0.0; sums.len()];
    let mut buffers = weights.buffers(DType::F32)?;
    let mut sizes: Vec<[usize; 2]> = pictures.iter().map(|picture| picture.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for [height, width] in sizes {
        let graph = Graph::new(DType::F32);
        let image = graph.input("image", &[1, 3, height, width]);
        let vars = weights.declare(&graph);
        let looks: Looks = (0..sums.len()).map(|layer| (layer, Look::Sums)).collect();
        let outputs = observe(vgg, (&weights.layout, &vars), image, &looks, limit)?;
        let each = extents(vgg, [height, width]);
        let mut program = graph.compile(&outputs)?;
        for picture in pictures.iter().filter(|picture| picture.size == [height, width]) {
            let mut image = Buffer::from_slice(Device::current(), &weights.standardised(picture))?;
            let mut inputs = vec![&mut image];
            inputs.extend(buffers.iter_mut());
            program.run(&mut inputs)?;
            for (layer, sums) in sums.iter_mut().enumerate() {
                positions[layer] += each[layer] as f64;
                let found = program.output(layer).to_vec::<f32>()?;
                sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += f64::from(found));
            }
        }
    }
    for (sums, positions) in sums.iter_mut().zip(positions) {
        sums.iter_mut().for_each(|sum| *sum /= positions);
    }
    Ok(sums)
}

/// Positions of each convolution in a picture of `[height, width]`.
fn extents(vgg: &Vgg, [height, width]: [usize; 2]) -> Vec<usize> {
    let positions = |(after, block): (u32, &Block)| {
        let positions = (height >> after) * (width >> after);
        vec![positions; block.convolutions.filters().count()]
    };
    (0..).zip(&vgg.blocks()).flat_map(positions).collect()
}

/// Divides every filter by its mean, and multiplies those that read it by it.
pub(crate) fn normalise(weights: &mut Weights, means: &[Vec<f64>]) {
    let mut before = vec![1.0; 3];
    for (layer, means) in means.iter().enumerate() {
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        let scale = |own: &f64| if mean > 0.0 { own.max(LEAST * mean) } else { 1.0 };
        let scales: Vec<f64> = means.iter().map(scale).collect();
        let [filters, bias] = weights.layer_mut(layer);
        let inputs = before.len();
        for (at, filter) in filters.chunks_exact_mut(9).enumerate() {
            let factor = before[at % inputs] / scales[at / inputs];
            filter.iter_mut().for_each(|w| *w = narrow(f64::from(*w) * factor));
        }
        for (bias, scale) in bias.iter_mut().zip(&scales) {
            *bias = narrow(f64::from(*bias) / scale);
        }
        before = scales;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are in f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaves::leaves;
    use crate::vgg::{Architecture, Pool};

    #[test]
    fn every_filter_has_a_mean_of_one_afterwards() {
        for pool in [Pool::Average, Pool::Max] {
            let vgg = Vgg::new(Architecture::Vgg16, pool, 4);
            let mut weights = Weights::untrained(&vgg);
            let pictures = [leaves()[0].resized([48, 32]), leaves()[1].resized([32, 32])];
            let before = means(&vgg, &weights, &pictures, None).unwrap();
            normalise(&mut weights, &before);
            let after = means(&vgg, &weights, &pictures, None).unwrap();
            let mut ones = 0;
            for (layer, (before, after)) in before.iter().zip(&after).enumerate() {
                let mean = before.iter().sum::<f64>() / before.len() as f64;
                for (before, after) in before.iter().zip(after) {
                    let wanted = before / before.max(LEAST * mean);
                    assert!((after - wanted).abs() < 1e-3, "layer {layer}: {after}, not {wanted}");
                    ones += usize::from(wanted == 1.0);
                }
            }
            assert!(ones > 300, "{ones} of 384 filters have a mean to be brought to 1");
        }
    }
}
