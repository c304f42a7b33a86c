//! The model: an encoder that reads in both directions, and a decoder with attention (Bahdanau et al.
//! 2015).
//!
//! All recurrent states have `units` units. The decoder starts from the last states of both directions;
//! what it says next is read from its state, what it attends to and the piece before.

mod program;
mod roller;
mod search;
mod translator;

use autodiff::{Attention, Error, Unrolled, Var};
use learn::layers::{
    AdditiveAttention, CellKind, Dense, Dropout, Embedding, Layer, Map, Params as Weights,
    Recurrent, State,
};
use learn::{Init, Layout};

use crate::params::Params;
use crate::source::Kind;

pub(crate) use roller::{Roller, draw};
pub(crate) use search::Beam;
pub(crate) use translator::{Translation, Translator};

/// The layers.
#[derive(Debug, Clone)]
pub(crate) struct Network<C> {
    source: Front,
    target: Embedding,
    dropped_source: Dropout,
    dropped_target: Dropout,
    forward: Recurrent<C>,
    backward: Recurrent<C>,
    attention: AdditiveAttention,
    initial: Dense,
    decoder: Recurrent<C>,
    readout: Dense,
    dropped_readout: Dropout,
    output: Output,
    /// Units of a state.
    pub(crate) units: usize,
    /// Pieces of the vocabulary.
    pub(crate) pieces: usize,
    /// What is read.
    pub(crate) kind: Kind,
}

/// What makes an embedding of a place that is read.
#[derive(Debug, Clone)]
enum Front {
    Pieces(Embedding),
    /// A dense layer with tanh.
    Frames(Dense),
}

/// Where logits come from.
#[derive(Debug, Clone)]
enum Output {
    Own(Dense),
    /// The target's embeddings, and a bias for each piece.
    Tied,
}

const TIED_BIAS: &str = "output.bias";

/// What the encoder made of a batch of sources.
#[derive(Clone, Copy)]
pub(crate) struct Read<'g> {
    /// `[batch, places, 2 units]`.
    pub(crate) values: Var<'g>,
    /// What energies are made of, `[batch, places, units]`.
    pub(crate) keys: Var<'g>,
    /// 1 for places of the source, `[batch, places]`.
    pub(crate) mask: Var<'g>,
}

impl<C: CellKind> Network<C> {
    /// Layers with keys of dropout.
    pub(crate) const DROPOUTS: usize = 3;

    /// For a vocabulary of so many pieces.
    pub(crate) fn new(params: &Params, pieces: usize, kind: Kind) -> Self {
        let Params { units, embedding, dropout, tied, .. } = *params;
        let narrow = Init::Normal { std: 0.1 };
        let words = |name| Embedding::new(name, pieces, embedding).with_init(narrow);
        let output =
            if tied { Output::Tied } else { Output::Own(Dense::new("output", units, pieces)) };
        Self {
            source: match kind {
                Kind::Text => Front::Pieces(words("source")),
                Kind::Speech(width) => Front::Frames(Dense::new("source", width, embedding)),
            },
            target: words("target"),
            dropped_source: Dropout::new("source.dropped", 0, dropout),
            dropped_target: Dropout::new("target.dropped", 1, dropout),
            forward: Recurrent::new("forward", embedding, units),
            backward: Recurrent::new("backward", embedding, units),
            attention: AdditiveAttention::new("attention", units, 2 * units, units),
            initial: Dense::new("initial", 2 * units, units),
            decoder: Recurrent::new("decoder", embedding, units).with_contexts(2 * units),
            readout: Dense::new("readout", 3 * units + embedding, units),
            dropped_readout: Dropout::new("readout.dropped", 2, dropout),
            output,
            units,
            pieces,
            kind,
        }
    }

    /// Embedded pieces `[places, batch]` or frames `[places, batch, numbers]` of sources.
    pub(crate) fn embed_source<'g>(
        &self,
        weights: &Weights<'_, 'g>,
        sources: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        let embedded = match &self.source {
            Front::Pieces(embedding) => embedding.forward(weights, sources)?,
            Front::Frames(dense) => dense.forward(weights, sources)?.tanh(),
        };
        self.dropped_source.forward(weights, embedded)
    }

    /// Embedded pieces of translations `[steps, batch]`.
    pub(crate) fn embed_target<'g>(
        &self,
        weights: &Weights<'_, 'g>,
        pieces: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        self.dropped_target.forward(weights, self.target.forward(weights, pieces)?)
    }

    /// Reads embedded sources `[places, batch, embedding]`, whose places are 1 in `mask` `[places,
    /// batch]`; also the decoder's first state.
    pub(crate) fn read<'g>(
        &self,
        weights: &Weights<'_, 'g>,
        x: Var<'g>,
        mask: Var<'g>,
    ) -> Result<(Read<'g>, Var<'g>), Error> {
        let graph = x.graph();
        let forward = self.forward.over(weights, x, None)?.with_mask(mask).run()?;
        let backward = self.backward.over(weights, x, None)?.with_mask(mask).reversed().run()?;
        let values = graph.concat(&[forward.states, backward.states], 2)?.transpose(0, 1)?;
        let ends = graph.concat(&[forward.last, backward.last], 1)?;
        let state = self.initial.forward(weights, ends)?.tanh();
        let keys = values.linear(weights.get("attention.key")?, None)?;
        Ok((Read { values, keys, mask: mask.transpose(0, 1)? }, state))
    }

    /// Steps of the decoder over embedded pieces `[steps, batch, embedding]`, each of which is the one
    /// before what is said.
    pub(crate) fn steps<'g>(
        &self,
        weights: &Weights<'_, 'g>,
        y: Var<'g>,
        state: State<'g>,
        read: &Read<'g>,
    ) -> Result<Said<'g>, Error> {
        let attention = Attention {
            keys: read.keys,
            values: read.values,
            query: weights.get("attention.query")?,
            score: weights.get("attention.score")?,
            weight: self.decoder.contexts(weights)?,
            mask: Some(read.mask),
        };
        let layer = self.decoder.over(weights, y, Some(state))?.with_attention(attention);
        let Unrolled { states, last, memory, contexts, weights: attended } = layer.run()?;
        let attends = "a layer with attention has contexts and weights";
        let parts = [states, contexts.expect(attends), y];
        let hidden = self.readout.forward(weights, y.graph().concat(&parts, 2)?)?.tanh();
        let hidden = self.dropped_readout.forward(weights, hidden)?;
        let logits = match &self.output {
            Output::Own(output) => output.forward(weights, hidden)?,
            Output::Tied => {
                let table = weights.get("target.weight")?.transpose(0, 1)?;
                hidden.linear(table, Some(weights.get(TIED_BIAS)?))?
            }
        };
        Ok(Said { logits, last: State { state: last, memory }, attended: attended.expect(attends) })
    }
}

/// What steps of the decoder say.
#[derive(Clone, Copy)]
pub(crate) struct Said<'g> {
    /// Of each piece, `[steps, batch, pieces]`.
    pub(crate) logits: Var<'g>,
    /// After the last step.
    pub(crate) last: State<'g>,
    /// How much each step attends to each place, `[steps, batch, places]`.
    pub(crate) attended: Var<'g>,
}

impl<C: CellKind> Layer for Network<C> {
    fn declare(&self, layout: &mut Layout) {
        match &self.source {
            Front::Pieces(embedding) => embedding.declare(layout),
            Front::Frames(dense) => dense.declare(layout),
        }
        self.target.declare(layout);
        self.forward.declare(layout);
        self.backward.declare(layout);
        self.attention.declare(layout);
        self.initial.declare(layout);
        self.decoder.declare(layout);
        self.readout.declare(layout);
        match &self.output {
            Output::Own(output) => output.declare(layout),
            Output::Tied => layout.push(TIED_BIAS, &[self.pieces], Init::Zeros),
        }
    }
}
