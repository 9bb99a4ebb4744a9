//! Every string that a page shows, in one file for each language.
//!
//! `en.rs` declares the texts with their placeholders, and every other file gives the same
//! ones. rustc refuses a text that a language lacks or has beyond the declared ones. A text is
//! HTML. What fills a placeholder is escaped, unless it is [`Markup`] itself.

#[macro_use]
mod declaration;

mod de;
mod en;
mod language;
mod markup;

pub use en::PageTexts;
pub use language::Language;
pub use markup::Markup;

#[cfg(test)]
mod tests;
