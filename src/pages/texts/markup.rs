//! Text of a page that is HTML already.

use std::{
    borrow::Cow,
    fmt::{self, Display},
};

use askama::{
    Template,
    filters::{Escaper, Html, HtmlSafe},
};

/// HTML that needs no escaping: a text, or other text that was escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(Cow<'static, str>);

impl Markup {
    pub(super) const fn fixed(html: &'static str) -> Self {
        Self(Cow::Borrowed(html))
    }

    pub(super) const fn made(html: String) -> Self {
        Self(Cow::Owned(html))
    }

    /// Makes markup of text that is no HTML, such as a name or a code.
    pub fn escaped(text: &str) -> Self {
        Self::made(Escaped(text).to_string())
    }

    /// Adds another sentence.
    pub fn then(self, sentence: &Self) -> Self {
        Self::made(format!("{self} {sentence}"))
    }

    /// Makes markup of a code, such as an address.
    pub fn code(text: &str) -> Self {
        Self::made(format!("<code>{}</code>", Escaped(text)))
    }

    /// Adds a remark in parentheses.
    pub(in crate::pages) fn with_remark(self, remark: &Self) -> Self {
        Self::made(format!(r#"{self} <span class="remark">({remark})</span>"#))
    }

    /// Makes a link to a page of this server.
    pub(in crate::pages) fn link(path: &str, label: &str) -> Self {
        let (path, label) = (Escaped(path), Escaped(label));
        Self::made(format!(r#"<a href="{path}">{label}</a>"#))
    }

    /// Makes the subject of a note, which a colon follows.
    pub(in crate::pages) fn strong(subject: &Self) -> Self {
        Self::made(format!("<strong>{subject}:</strong>"))
    }

    /// Joins parts that have their own spaces.
    pub(in crate::pages) fn run_on(parts: [Self; 3]) -> Self {
        Self::made(parts.map(|part| part.to_string()).concat())
    }

    /// Joins parts of a sentence, with commas between.
    pub(in crate::pages) fn listed(parts: impl Iterator<Item = Self>) -> Self {
        let parts: Vec<String> = parts.map(|part| part.to_string()).collect();
        Self::made(parts.join(", "))
    }

    /// Renders a template.
    pub(in crate::pages) fn of(template: &impl Template) -> Self {
        Self::made(template.render().expect("templates only write to a string"))
    }
}

impl Display for Markup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// Values for placeholders, and how HTML shows them.
pub(super) trait Shown {
    fn shown(&self) -> impl Display;
}

impl Shown for str {
    fn shown(&self) -> impl Display {
        Escaped(self)
    }
}

impl Shown for u64 {
    fn shown(&self) -> impl Display {
        *self
    }
}

impl Shown for Markup {
    fn shown(&self) -> impl Display {
        &self.0
    }
}

/// Text that is escaped while it is written.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Html.write_escaped_str(formatter, self.0)
    }
}
