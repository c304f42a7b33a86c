//! The pictures that one is made from, and what colours they begin with.

use datasets::Store;
use experiment::{DataPaths, Error};

use crate::colour::{self, Colour};
use crate::params::{ART, ART_PREFIX, Params};
use crate::picture::{Picture, read};

/// Longer side of pictures over which filters are brought to a mean activation of 1.
pub(super) const NORMALISED: usize = 256;

/// The pictures that it is made from, as large as they came.
pub(crate) struct Pictures {
    pub(crate) content: Option<Picture>,
    pub(crate) styles: Vec<Picture>,
}

impl Pictures {
    /// Reads the pictures of the parameters.
    ///
    /// # Errors
    /// A picture or the data set that cannot be read.
    pub(crate) fn open(params: &Params, data: &DataPaths) -> Result<Self, Error> {
        let (content, styles) = params.pictures();
        Ok(Self {
            content: content.map(|name| open(name, data)).transpose()?,
            styles: styles.iter().map(|name| open(name, data)).collect::<Result<_, _>>()?,
        })
    }

    /// What gives the picture its proportions.
    pub(super) fn first(&self) -> &Picture {
        let first = self.content.as_ref().or(self.styles.first());
        first.expect("every kind has a content or a style")
    }

    /// Content and styles at a size, with the colours that the transfer begins with.
    pub(super) fn at(&self, params: &Params, size: [usize; 2]) -> Result<Self, Error> {
        let side = size[0].max(size[1]) as f64 * params.style_scale;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of pixels"
        )]
        let side = side.round() as usize;
        let content = self.content.as_ref().map(|content| content.resized(size));
        let styles = self.styles.iter().map(|style| style.resized(style.fitted(side)));
        let Some(content) = content else {
            return Ok(Self { content: None, styles: styles.collect() });
        };
        let styles: Vec<Picture> = match params.colour {
            Colour::Style => styles.collect(),
            Colour::Matched => {
                styles.map(|style| colour::matched(&style, &content)).collect::<Result<_, _>>()?
            }
            Colour::Luminance => {
                styles.map(|style| colour::grey_matched(&style, &content)).collect()
            }
        };
        let content = match params.colour {
            Colour::Luminance => colour::grey(&content),
            _ => content,
        };
        Ok(Self { content: Some(content), styles })
    }
}

/// The pictures of the data set `art`, at the size at which filters are normalised.
///
/// # Errors
/// A data set that cannot be had.
pub(super) fn art(data: &DataPaths) -> Result<Vec<Picture>, Error> {
    const NAMES: [&str; 7] = [
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
        "great_wave.jpg",
        "shipwreck.jpg",
        "starry_night.jpg",
        "the_scream.jpg",
    ];
    let scaled = |name: &str| {
        let picture = open(&format!("{ART_PREFIX}{name}"), data)?;
        Ok(picture.resized(picture.fitted(NORMALISED)))
    };
    NAMES.into_iter().map(scaled).collect()
}

/// Whether the data set `art` can be had.
pub(crate) fn is_art_here(data: &DataPaths) -> bool {
    Store::new(&data.cache, data.mirror.as_deref(), data.offline).open(ART).is_ok()
}

/// Reads one picture.
fn open(name: &str, data: &DataPaths) -> Result<Picture, Error> {
    let path = match name.strip_prefix(ART_PREFIX) {
        None => name.into(),
        Some(file) => {
            let store = Store::new(&data.cache, data.mirror.as_deref(), data.offline);
            let folder = store.open(ART).map_err(|e| Error::data(ART, e))?;
            folder.file(file).map_err(|e| Error::data(ART, e))?
        }
    };
    read(&path).map_err(|e| Error::other("reading a picture", e))
}
