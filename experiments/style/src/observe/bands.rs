//! Bands of rows, block by block, that are computed again in the backward pass.

use std::ops::Range;

use autodiff::{Error, Var};
use learn::layers::{Layer, Map, Params};

use super::{Look, Looks};
use crate::vgg::{Block, Vgg};

/// `vars` are filters and biases of all convolutions in their order.
pub(super) fn banded<'g>(
    vgg: &Vgg,
    vars: &[Var<'g>],
    image: Var<'g>,
    looks: &[(usize, Look)],
    limit: usize,
) -> Result<Vec<Var<'g>>, Error> {
    let graph = image.graph();
    let mut found: Vec<Option<Var<'g>>> = vec![None; looks.len()];
    let last = looks.iter().map(|(convolution, _)| *convolution).max().unwrap_or(0);
    // A variable of its own: the gradients of its slices are joined whatever else reads the image.
    let [height, width] = [image.shape()[2], image.shape()[3]];
    let own = image.reshape(&[3, height, width])?.reshape(&image.shape())?;
    let (mut x, mut vars) = (own, vars);
    for block in vgg.blocks().into_iter().take_while(|block| block.first <= last) {
        let own: Vec<(usize, (usize, Look))> = (0..)
            .zip(looks.iter().copied())
            .filter(|(_, (convolution, _))| block.holds(*convolution))
            .collect();
        let wanted: Looks = own.iter().map(|(_, look)| *look).collect();
        let [height, width] = [x.shape()[2], x.shape()[3]];
        let filters = block.convolutions.filters().max().unwrap_or(1);
        let halo = block.convolutions.filters().count();
        let bands = bands(height, filters * height * width / limit.max(1) + 1, halo);
        let count = 2 * halo;
        let mut parts: Vec<Vec<Var<'g>>> = Vec::new();
        for (mut strip, own) in strips(x, &bands, halo)? {
            if let Some(zero) = parts.last().and_then(|before| before.last()) {
                strip = strip.add(zero.reshape(&[1; 4])?)?;
            }
            let segment = Segment { block: block.clone(), wanted: wanted.clone(), own };
            parts.push(segment.apply(strip, &vars[..count], width)?);
        }
        let column = |at: usize| parts.iter().map(|parts| parts[at]).collect::<Vec<_>>();
        for (at, (place, (_, look))) in own.into_iter().enumerate() {
            found[place] = Some(look.joined(graph, &column(at), [height, width])?);
        }
        if block.pooling.is_some() {
            x = graph.concat(&column(wanted.len()), 2)?;
        }
        vars = &vars[count..];
    }
    Ok(found.into_iter().map(|found| found.expect("every look is at a convolution")).collect())
}

/// Rows in about `count` bands that begin at even rows, none of fewer than twice the halo.
fn bands(rows: usize, count: usize, halo: usize) -> Vec<Range<usize>> {
    let count = count.min(rows / (2 * halo + 2)).max(1);
    let cut = |band: usize| if band == count { rows } else { (band * rows / count) & !1 };
    (0..count).map(|band| cut(band)..cut(band + 1)).collect()
}

/// The rows of each band with those of its neighbours that its convolutions reach, and where its own
/// begin and end among them. All are put together from slices that do not overlap: their gradients are
/// then joined, not added.
fn strips<'g>(
    x: Var<'g>,
    bands: &[Range<usize>],
    halo: usize,
) -> Result<Vec<(Var<'g>, Range<usize>)>, Error> {
    let rows = x.shape()[2];
    let (last, inner) = (bands.len() - 1, bands.iter().skip(1).map(|band| band.start));
    let mut cuts = vec![0];
    cuts.extend(inner.flat_map(|cut| [cut - halo, cut, cut + halo]));
    cuts.push(rows);
    cuts.dedup();
    let slice = |ends: &[usize]| Ok((ends[0]..ends[1], x.slice(2, ends[0]..ends[1])?));
    let slices = cuts.windows(2).map(slice).collect::<Result<Vec<_>, Error>>()?;
    let strip = |(at, band): (usize, &Range<usize>)| {
        let above = if at == 0 { 0 } else { halo };
        let from = band.start - above;
        let to = if at == last { rows } else { band.end + halo };
        let within = |part: &&(Range<usize>, Var<'g>)| part.0.start >= from && part.0.end <= to;
        let parts: Vec<Var<'g>> = slices.iter().filter(within).map(|(_, part)| *part).collect();
        Ok((x.graph().concat(&parts, 2)?, above..above + band.len()))
    };
    bands.iter().enumerate().map(strip).collect()
}

impl Block {
    fn holds(&self, convolution: usize) -> bool {
        (self.first..self.first + self.convolutions.filters().count()).contains(&convolution)
    }
}

/// A block over a band of rows.
struct Segment {
    block: Block,
    wanted: Looks,
    /// Which rows of the strip are the band's own.
    own: Range<usize>,
}

impl Segment {
    /// What is wanted of the band, its rows after the pooling if there is one, and a zero. What reads that zero
    /// waits for the band, and on the way back the band waits for what read it: otherwise bands, which
    /// depend on nothing of each other, would be computed at the same time.
    fn apply<'g>(
        self,
        strip: Var<'g>,
        vars: &[Var<'g>],
        width: usize,
    ) -> Result<Vec<Var<'g>>, Error> {
        let (filters, rows) =
            (self.block.convolutions.filters().collect::<Vec<_>>(), self.own.len());
        let shape = |&(convolution, look): &(usize, Look)| {
            look.shape(filters[convolution - self.block.first], rows, width)
        };
        let mut shapes: Vec<Vec<usize>> = self.wanted.iter().map(shape).collect();
        if self.block.pooling.is_some() {
            shapes.push(vec![1, filters[filters.len() - 1], rows / 2, width / 2]);
        }
        shapes.push(vec![1]);
        let inputs = [&[strip], vars].concat();
        let layout = self.block.convolutions.layout();
        // A segment has one result: all parts one after the other.
        let packed = strip.graph().checkpointed(&inputs, move |inputs| {
            self.packed(&Params::new(&layout, &inputs[1..]), inputs[0])
        })?;
        let mut at = 0;
        let part = |shape: &Vec<usize>| {
            let len: usize = shape.iter().product();
            at += len;
            packed.slice(0, at - len..at)?.reshape(shape)
        };
        shapes.iter().map(part).collect()
    }

    fn packed<'g>(&self, params: &Params<'_, 'g>, strip: Var<'g>) -> Result<Var<'g>, Error> {
        let features = self.block.convolutions.features(params, strip)?;
        let own = |at: usize| features[at].slice(2, self.own.clone());
        let look =
            |&(convolution, look): &(usize, Look)| look.part(own(convolution - self.block.first)?);
        let mut parts = self.wanted.iter().map(look).collect::<Result<Vec<_>, Error>>()?;
        if let Some(pooling) = &self.block.pooling {
            parts.push(pooling.forward(params, own(features.len() - 1)?)?);
        }
        parts.push(strip.graph().scalar(0.0));
        let flat = |part: Var<'g>| part.reshape(&[part.shape().iter().product()]);
        let parts = parts.into_iter().map(flat).collect::<Result<Vec<_>, Error>>()?;
        strip.graph().concat(&parts, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_begin_at_even_rows_and_are_no_narrower_than_their_halos() {
        assert_eq!(bands(101, 3, 2), [0..32, 32..66, 66..101]);
        assert_eq!(bands(16, 1, 3).first(), Some(&(0..16)));
        for (rows, halo) in [(16, 2), (23, 3), (64, 4), (513, 2)] {
            let bands = bands(rows, 1000, halo);
            assert_eq!((bands[0].start, bands[bands.len() - 1].end), (0, rows));
            assert!(bands.windows(2).all(|two| two[0].end == two[1].start));
            assert!(bands.iter().all(|band| band.start % 2 == 0 && band.len() >= 2 * halo));
        }
    }
}
