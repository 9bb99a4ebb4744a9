//! The macros by which the files of texts are written.
//!
//! ```text
//! key = "A text.";
//! key(name: &str) = "A text about {name}.";
//! key(count: &u64) = { 1 => "one thing", _ => "{count} things" };
//! ```
//!
//! The last form chooses by the first placeholder, which is a number: a language has as many
//! lines as it has plural forms, and `n if n % 10 == 1` stands for some numbers. Files other than the first one leave out the types.

/// Declares the texts, and gives them in the first language.
macro_rules! declare_texts {
    ($($key:ident $(($($arg:ident: $kind:ty),+))? = $text:tt;)+) => {
        /// The texts of the pages in one language.
        pub struct PageTexts {
            $(pub(super) $key: of_text!(type $($($kind),+)?),)+
        }

        impl PageTexts {
            $(of_text!(method $key $($($arg: $kind),+)?);)+
        }

        give_texts! { EN: $($key $(($($arg),+))? = $text;)+ }
    };
}

/// Gives the declared texts in another language.
macro_rules! give_texts {
    ($language:ident: $($key:ident $(($($arg:ident),+))? = $text:tt;)+) => {
        pub(super) static $language: PageTexts = PageTexts {
            $($key: of_text!(value $text $(($($arg),+))?),)+
        };
    };
}

/// Makes the parts of one text: with placeholders it is a function, and else a string.
macro_rules! of_text {
    (type) => { &'static str };
    (type $($kind:ty),+) => { fn($($kind),+) -> Markup };

    (method $key:ident) => {
        pub fn $key(&self) -> Markup {
            Markup::fixed(self.$key)
        }
    };
    (method $key:ident $($arg:ident: $kind:ty),+) => {
        pub fn $key(&self, $($arg: $kind),+) -> Markup {
            (self.$key)($($arg),+)
        }
    };

    (value $text:literal) => { $text };
    (value $text:literal $args:tt) => { of_text!(line $text $args $args) };
    (value { $($forms:tt)+ } $args:tt) => { of_text!(plural $args $args $($forms)+) };

    (line $text:literal ($($arg:ident),+) $args:tt) => {
        |$($arg),+| of_text!(filled $text $args)
    };
    (plural ($first:ident $(, $arg:ident)*) $args:tt
        $($form:pat $(if $guard:expr)? => $text:literal),+ $(,)?) => {
        |$first $(, $arg)*| match *$first {
            $($form $(if $guard)? => {
                // "one thing" does without the number.
                #[allow(unused_variables)]
                let text = of_text!(filled $text $args);
                text
            })+
        }
    };

    (filled $text:literal ($($arg:ident),+)) => {{
        $(let $arg = $crate::pages::texts::markup::Shown::shown($arg);)+
        Markup::made(format!($text))
    }};
}
