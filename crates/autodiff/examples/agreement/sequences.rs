//! Recurrent layers over sequences, and attention within them and alone.

use autodiff::{Attention, Cell, Error, Recurrence, Var};
use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

const NORMAL: Draw = Draw::Normal(1.0);

/// What a recurrent layer has besides its cell.
#[derive(Debug, Clone, Copy, Default)]
struct Form {
    reverse: bool,
    masked: bool,
    attention: bool,
    /// Whether places of the attention are masked.
    places: bool,
}

/// Steps, sequences, units, then places, units of keys and of values.
const EXTENTS: [[usize; 6]; 2] = [[6, 5, 11, 7, 9, 13], [4, 33, 70, 19, 37, 41]];

pub(crate) fn cases() -> Vec<Case> {
    let plain = Form::default();
    let masked = Form { masked: true, ..plain };
    let attention = Form { attention: true, ..plain };
    let forms = [
        plain,
        Form { reverse: true, ..plain },
        masked,
        Form { reverse: true, ..masked },
        attention,
        Form { masked: true, reverse: true, attention: true, places: true },
    ];
    let mut cases = Vec::new();
    for cell in [Cell::Lstm, Cell::Gru] {
        for form in forms {
            cases.extend(EXTENTS.map(|extents| layer(cell, form, extents)));
        }
    }
    cases.extend(attentions());
    cases
}

fn layer(cell: Cell, form: Form, extents: [usize; 6]) -> Case {
    let [steps, batch, units, places, keys, values] = extents;
    let gates = cell.blocks() * units;
    let name = if cell == Cell::Lstm { "lstm" } else { "gru" };
    let detail = format!(
        "{steps} steps of {batch} by {units}{}{}{}{}",
        if form.reverse { ", reversed" } else { "" },
        if form.masked { ", masked" } else { "" },
        if form.attention { ", attention" } else { "" },
        if form.places { ", masked places" } else { "" },
    );
    // Of about this deviation a product with it keeps a vector's size.
    let weight = |rows: usize| Draw::Normal(1.0 / (rows as f64).sqrt());
    let mut layer = case(name, detail, move |_, x| run(cell, form, x))
        .of("input", &[steps, batch, gates], NORMAL)
        .of("weight", &[units, gates], weight(units))
        .of("state", &[batch, units], NORMAL);
    if cell == Cell::Lstm {
        layer = layer.of("memory", &[batch, units], NORMAL);
    }
    if form.attention {
        layer = layer
            .of("keys", &[batch, places, keys], NORMAL)
            .of("values", &[batch, places, values], NORMAL)
            .of("query", &[units, keys], weight(units))
            .of("score", &[keys], weight(keys))
            .of("context_weight", &[values, gates], weight(values));
    }
    if form.masked {
        layer = layer.fixed("mask", &[steps, batch], Draw::Mask);
    }
    if form.places {
        layer = layer.fixed("places", &[batch, places], Draw::Mask);
    }
    layer.with(json!({ "reverse": form.reverse }))
}

fn run<'g>(cell: Cell, form: Form, inputs: &[Var<'g>]) -> Result<Vec<Var<'g>>, Error> {
    let mut all = inputs.iter().copied();
    let (wanted, found) = (inputs.len() + 1, inputs.len());
    let mut next = || all.next().ok_or(Error::Arity { op: "recurrence", wanted, found });
    let mut layer = Recurrence::new(cell, next()?, next()?, next()?);
    if cell == Cell::Lstm {
        layer = layer.with_memory(next()?);
    }
    let attention = if form.attention {
        let (keys, values, query) = (next()?, next()?, next()?);
        let (score, weight) = (next()?, next()?);
        Some(Attention { keys, values, query, score, weight, mask: None })
    } else {
        None
    };
    if form.masked {
        layer = layer.with_mask(next()?);
    }
    if let Some(attention) = attention {
        let mask = if form.places { Some(next()?) } else { None };
        layer = layer.with_attention(Attention { mask, ..attention });
    }
    if form.reverse {
        layer = layer.reversed();
    }
    let run = layer.run()?;
    let more = [run.memory, run.contexts, run.weights].into_iter().flatten();
    Ok([run.states, run.last].into_iter().chain(more).collect())
}

fn attentions() -> Vec<Case> {
    let mut cases = Vec::new();
    for extents in [[3, 5, 7, 11, 13], [9, 17, 33, 65, 40]] {
        let [batch, count, places, width, values] = extents;
        for masked in [false, true] {
            let detail = format!(
                "{batch} by {count} queries of {width} to {places} places{}",
                if masked { ", masked" } else { "" }
            );
            let dot = case("dot_attention", &detail, move |_, x| {
                let (contexts, weights) = x[0].dot_attention(x[1], x[2], last(x, masked))?;
                Ok(vec![contexts, weights])
            });
            let additive = case("additive_attention", &detail, move |_, x| {
                let (contexts, weights) =
                    x[0].additive_attention(x[3], x[1], x[2], last(x, masked))?;
                Ok(vec![contexts, weights])
            });
            let scale = Draw::Normal(1.0 / (width as f64).sqrt());
            let [dot, additive] = [dot, additive].map(|attention| {
                attention
                    .of("queries", &[batch, count, width], NORMAL)
                    .of("keys", &[batch, places, width], scale)
                    .of("values", &[batch, places, values], NORMAL)
            });
            for attention in [dot, additive.of("score", &[width], scale)] {
                cases.push(if masked {
                    attention.fixed("mask", &[batch, places], Draw::Mask)
                } else {
                    attention
                });
            }
        }
    }
    cases
}

/// The last input, if it is a mask.
fn last<'g>(inputs: &[Var<'g>], masked: bool) -> Option<Var<'g>> {
    inputs.last().copied().filter(|_| masked)
}
