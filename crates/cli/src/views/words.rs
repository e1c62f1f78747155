//! Effects and statuses as a symbol and a word, in the colour that fits; the meaning is in the word.

use owo_colors::OwoColorize;

/// `✓ permit`, `⧗ defer`, `✗ deny`.
pub fn effect(effect: &str) -> String {
    coloured(effect, &plain_effect(effect))
}

/// The same, as wide as the widest.
pub fn wide_effect(effect: &str) -> String {
    coloured(effect, &format!("{:<8}", plain_effect(effect)))
}

fn coloured(effect: &str, text: &str) -> String {
    match effect {
        "permit" => text.green().to_string(),
        "defer" => text.yellow().to_string(),
        _ => text.red().to_string(),
    }
}

/// The same for tables, without colour.
pub fn plain_effect(effect: &str) -> String {
    if effect.is_empty() { String::new() } else { format!("{} {effect}", symbol(effect)) }
}

fn symbol(effect: &str) -> &'static str {
    match effect {
        "permit" => "✓",
        "defer" => "⧗",
        _ => "✗",
    }
}

/// The status of an approval as a symbol and a word.
pub fn status(status: &str) -> String {
    match status {
        "pending" => waiting(status),
        "approved" | "consumed" => good(status),
        _ => bad(status),
    }
}

/// Something that is as it should be.
pub fn good(word: &str) -> String {
    format!("✓ {word}").green().to_string()
}

/// Something that is not settled.
pub fn waiting(word: &str) -> String {
    format!("⧗ {word}").yellow().to_string()
}

/// Something that is not as it should be, or that nobody may use.
pub fn bad(word: &str) -> String {
    format!("✗ {word}").red().to_string()
}

/// A heading.
pub fn heading(text: &str) -> String {
    text.bold().to_string()
}

/// Less important text.
pub fn faint(text: &str) -> String {
    text.dimmed().to_string()
}
