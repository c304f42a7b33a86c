//! What is read: the pieces of a text, or the frames of speech.

use autodiff::Var;
use learn::{Batch, BatchVars, Field, Fields};

/// What is translated or transcribed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// Pieces, with the end at their end.
    Text(Vec<u32>),
    /// Frames one after the other, of so many numbers each.
    Speech(Vec<f32>, usize),
}

/// What a network reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pieces.
    Text,
    /// Frames of so many numbers.
    Speech(usize),
}

/// The arrays of a batch that sources are written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceFields {
    values: Values,
    /// 1 for their places, `[places, batch]`.
    mask: Field<f32>,
    rows: usize,
}

#[derive(Debug, Clone, Copy)]
enum Values {
    /// `[places, batch]`.
    Text(Field<u32>),
    /// `[places, batch, numbers]`.
    Speech(Field<f32>, usize),
}

impl Source {
    /// Pieces or frames.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(pieces) => pieces.len(),
            Self::Speech(values, width) => values.len() / width,
        }
    }

    /// Most pieces that are said of so many places: twice as many as a text has, and some; fewer than
    /// frames.
    pub(crate) fn most_said(&self, places: usize) -> usize {
        let read = self.len().min(places);
        match self {
            Self::Text(_) => 2 * read + 5,
            Self::Speech(..) => read + 5,
        }
    }
}

impl SourceFields {
    /// For `rows` sources of up to `places(bucket)` places.
    pub(crate) fn new(
        fields: &mut Fields,
        kind: Kind,
        rows: usize,
        places: impl Fn(usize) -> usize,
    ) -> Self {
        let values = match kind {
            Kind::Text => Values::Text(fields.index_by("source", |of| vec![places(of), rows])),
            Kind::Speech(width) => {
                let shape = |of| vec![places(of), rows, width];
                Values::Speech(fields.float_by("source", shape), width)
            }
        };
        Self { values, mask: fields.float_by("mask", |of| vec![places(of), rows]), rows }
    }

    /// The sources of a batch.
    pub(crate) fn values<'g>(&self, batch: &BatchVars<'g>) -> Var<'g> {
        match self.values {
            Values::Text(field) => batch[field],
            Values::Speech(field, _) => batch[field],
        }
    }

    /// Where they have places.
    pub(crate) fn mask<'g>(&self, batch: &BatchVars<'g>) -> Var<'g> {
        batch[self.mask]
    }

    /// Writes a source into each row, as far as there are places for it.
    pub(crate) fn write<'a>(
        &self,
        batch: &mut Batch,
        sources: impl IntoIterator<Item = &'a Source>,
    ) {
        let rows = self.rows;
        let places = batch[self.mask].len() / rows;
        batch[self.mask].fill(0.0);
        match self.values {
            Values::Text(field) => batch[field].fill(u32::MAX),
            Values::Speech(field, _) => batch[field].fill(0.0),
        }
        for (row, source) in sources.into_iter().enumerate() {
            let count = source.len().min(places);
            let mask = &mut batch[self.mask];
            (0..count).for_each(|place| mask[place * rows + row] = 1.0);
            match (self.values, source) {
                (Values::Text(field), Source::Text(pieces)) => {
                    let values = &mut batch[field];
                    for (place, &piece) in pieces.iter().take(count).enumerate() {
                        values[place * rows + row] = piece;
                    }
                }
                (Values::Speech(field, width), Source::Speech(frames, _)) => {
                    let values = &mut batch[field];
                    for (place, frame) in frames.chunks(width).take(count).enumerate() {
                        let at = (place * rows + row) * width;
                        values[at..at + width].copy_from_slice(frame);
                    }
                }
                _ => unreachable!("a network reads what its corpus has"),
            }
        }
    }
}
