//! One picture that a run left.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Artifacts, Budget,
    file::{self, FOLDER, Left},
    thumbnail::{Fitted, Refusal, fit},
};
use crate::{Cell, report::grid::label, text::inert_short};

/// A picture with what is written beside it.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    pub(super) left: Left,
    pub(super) id: String,
    /// Name of the file.
    pub(crate) name: String,
    /// The first digits of its run's id.
    pub(crate) run: String,
    /// Of which seed it is and how many other runs of the cell left one; empty for the only one.
    pub(crate) repeat: String,
    /// What the filter looks for.
    pub(crate) tags: String,
    /// The address of the file in the store.
    pub(crate) link: Option<String>,
    /// The picture or a copy; none where it is not embedded.
    pub(crate) uri: Option<String>,
    /// Width and height of the whole picture, where it has pixels.
    pub(crate) size: Option<[u32; 2]>,
    /// Longest side of what is embedded, where that is a smaller copy.
    pub(super) side: Option<u32>,
    /// What is not said by its name.
    pub(crate) told: String,
}

/// A run with the pictures that it left.
pub(super) struct Of {
    pub(super) id: String,
    pub(super) seed: Cell,
    pub(super) tags: String,
    pub(super) left: Vec<Left>,
}

/// `seed 0, and 2 more`; nothing for the only run of a cell.
pub(super) fn repeat(of: &Of, more: usize) -> String {
    if more == 0 {
        String::new()
    } else {
        format!("seed {}, and {more} more", label(&of.seed.to_string()))
    }
}

impl Picture {
    pub(super) fn new(of: &Of, left: &Left) -> Self {
        Self {
            left: left.clone(),
            id: of.id.clone(),
            name: label(&left.name),
            run: of.id[..10].to_owned(),
            repeat: String::new(),
            tags: of.tags.clone(),
            link: None,
            uri: None,
            size: None,
            side: None,
            told: String::new(),
        }
    }

    /// Embeds it, or says where it is and why it is not embedded.
    pub(super) fn load(&mut self, artifacts: &Artifacts, budget: &mut Budget) -> Option<String> {
        let place = inert_short(&format!("{FOLDER}/{}/{}", self.id, self.left.name), 200);
        let read = artifacts.of(&self.id).ok_or_else(|| "its folder is gone".into());
        let read = read.and_then(|folder| file::read(&folder, &self.left)).map_err(Refusal::Broken);
        let fitted =
            read.and_then(|bytes| fit(self.left.kind, bytes, budget.bytes, &mut budget.pixels));
        match fitted {
            Ok(Fitted { kind, bytes, size, copy }) => {
                let bytes = BASE64_STANDARD.encode(bytes);
                self.uri = Some(format!("data:{};base64,{bytes}", kind.mime()));
                self.size = size;
                self.side = copy.map(|[width, height]| width.max(height));
                if let (Some([width, height]), Some(copy)) = (size, copy) {
                    let of =
                        if copy == [width, height] { "of fewer bytes" } else { "of fewer pixels" };
                    self.told = format!("a copy {of} than {place}, {width} × {height} pixels");
                }
                None
            }
            Err(Refusal::Large(what)) => {
                self.told = format!("too large: {what}");
                Some(format!("{place}: too large for this page, {what}"))
            }
            Err(Refusal::Broken(why)) => {
                let why = inert_short(&why, 200);
                tracing::warn!(run = self.id, name = self.name, why, "no picture");
                // There is nothing to see behind a link.
                self.link = None;
                self.told = "cannot be shown".into();
                Some(format!("{place}: {why}"))
            }
        }
    }
}
