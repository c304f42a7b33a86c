//! Scalars and tags: what type a value has.

use saphyr_parser::{ScalarStyle, Tag};

use super::Builder;
use crate::{Content, Error, Node, Span, scalar};

impl Builder<'_> {
    pub(super) fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<Content, Error> {
        let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
        let is_removal = tag.is_some_and(|tag| tag.handle == "!" && tag.suffix == "remove");
        match (tag, core) {
            (None, _) if style == ScalarStyle::Plain => self.plain(text, span),
            (None, _) | (_, Some("str")) => Ok(Content::Text(text.into())),
            (_, Some(kind @ ("null" | "bool" | "int" | "float"))) => {
                let found = scalar::resolve(text).or_else(|message| self.error(span, message))?;
                match (kind, found) {
                    ("null", Content::Null) => Ok(Content::Null),
                    ("bool", found @ Content::Bool(_)) => Ok(found),
                    ("int", found @ Content::Int(_)) => Ok(found),
                    ("float", found @ Content::Float(_)) => Ok(found),
                    #[expect(clippy::cast_precision_loss, reason = "what was asked for")]
                    ("float", Content::Int(found)) => Ok(Content::Float(found as f64)),
                    _ => self.error(span, format!("wanted a value of !!{kind}, found {text:?}")),
                }
            }
            _ if is_removal && text.is_empty() => Ok(Content::Removed { met: false }),
            _ if is_removal => {
                self.error(span, format!("wanted nothing after `!remove`, found {text:?}"))
            }
            (Some(tag), _) => {
                let tag = self.unknown_tag(tag, span)?;
                let content = match style {
                    ScalarStyle::Plain => self.plain(text, span)?,
                    _ => Content::Text(text.into()),
                };
                let value = Box::new(Node { content, span: span.clone() });
                Ok(Content::Tagged { tag, value })
            }
        }
    }

    /// A scalar without quotes.
    fn plain(&self, text: &str, span: &Span) -> Result<Content, Error> {
        match scalar::resolve(text) {
            Err(_) if self.foreign => Ok(Content::Text(text.into())),
            resolved => resolved.or_else(|message| self.error(span, message)),
        }
    }

    /// The tag of a list or map, but for the one that says what it is anyway.
    pub(super) fn collection_tag(
        &self,
        tag: Option<&Tag>,
        own: &str,
        span: &Span,
    ) -> Result<Option<String>, Error> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == own) => {
                self.unknown_tag(tag, span).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A tag that means nothing here, as it is written.
    fn unknown_tag(&self, tag: &Tag, span: &Span) -> Result<String, Error> {
        let wanted = "!remove as the value of a key, or !!str and its like";
        let tag = match tag.is_yaml_core_schema() {
            true => format!("!!{}", tag.suffix),
            false => tag.to_string(),
        };
        if self.foreign {
            return Ok(tag);
        }
        self.error(span, format!("unknown tag `{tag}`; wanted {wanted}"))
    }
}
