//! Merge keys: maps that are laid below another one.

use std::collections::HashMap;

use crate::{Content, Key, Node, Span};

/// The maps behind `<<`, or the place of what is none.
pub(super) fn merge_maps(node: Node) -> Result<Vec<Node>, Span> {
    let maps = match node.content {
        Content::Seq(items) => items,
        _ => vec![node],
    };
    match maps.iter().find(|map| !matches!(map.content, Content::Map(_))) {
        Some(other) => Err(other.span.clone()),
        None => Ok(maps),
    }
}

/// Keys of the map itself win over merged ones, earlier merged maps over later ones.
pub(super) fn merge_keys(entries: Vec<(Key, Node)>, merges: Vec<Node>) -> Vec<(Key, Node)> {
    let mut merged = entries;
    let mut known: HashMap<String, usize> =
        merged.iter().enumerate().map(|(at, (key, _))| (key.text.clone(), at)).collect();
    for map in merges {
        let Content::Map(entries) = map.content else { continue };
        for (key, node) in entries {
            match known.get(&key.text) {
                None => {
                    known.insert(key.text.clone(), merged.len());
                    merged.push((key, node));
                }
                Some(&at) => {
                    if let Content::Removed { met } = &mut merged[at].1.content {
                        *met = true;
                    }
                }
            }
        }
    }
    merged
}
