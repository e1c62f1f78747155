//! The strings of a TOML file with the key and line they belong to: enough to read dependencies, no more.
//!
//! Tolerant on purpose: a manifest with a fault still names the frameworks before it, and a person who runs `init`
//! has not come to have their manifest checked. Dates, numbers and booleans are passed over.

/// A string, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The table, such as `tool.poetry.dependencies`.
    pub table: String,
    /// The key in the table; for a value in an inline table, `outer.inner`.
    pub key: String,
    /// The string. Empty for a key whose value holds none.
    pub value: String,
    /// The line of the string, counted from 1.
    pub line: u32,
}

/// What the reader knows while it goes through the text.
#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    table: String,
    key: String,
    /// The key inside an inline table.
    inner: String,
    brackets: usize,
    braces: usize,
    line: u32,
    word: String,
    told: bool,
}

/// Every string in the text, in order.
pub fn strings(text: &str) -> Vec<Entry> {
    let mut reader = Reader { line: 1, ..Reader::default() };
    let mut letters = text.chars().peekable();
    let mut value = false;
    while let Some(letter) = letters.next() {
        match letter {
            '#' => while letters.next_if(|next| *next != '\n').is_some() {},
            '"' | '\'' => {
                let line = reader.line;
                let string = reader.quoted(letter, &mut letters);
                if value && !reader.at_inner_key() {
                    reader.tell(string, line);
                } else {
                    reader.word.push_str(&string);
                }
            }
            '[' if !value => {
                let header: String =
                    std::iter::from_fn(|| letters.next_if(|next| !"]\n".contains(*next))).collect();
                reader.table = header.trim_matches(['[', ' ']).replace('"', "");
                while letters.next_if(|next| *next == ']').is_some() {}
            }
            '=' if !value => {
                reader.key = std::mem::take(&mut reader.word);
                reader.told = false;
                value = true;
            }
            '=' => reader.inner = std::mem::take(&mut reader.word),
            '\n' => {
                reader.line = reader.line.saturating_add(1);
                if reader.brackets == 0 && reader.braces == 0 {
                    if value && !reader.told {
                        let line = reader.line.saturating_sub(1);
                        reader.tell(String::new(), line);
                    }
                    reader.word.clear();
                    value = false;
                }
            }
            _ => reader.nested(letter, value),
        }
    }
    if value && !reader.told {
        let line = reader.line;
        reader.tell(String::new(), line);
    }
    reader.entries
}

impl Reader {
    fn nested(&mut self, letter: char, value: bool) {
        match letter {
            '[' => self.brackets += 1,
            ']' => self.brackets = self.brackets.saturating_sub(1),
            '{' if value => self.braces += 1,
            '}' => {
                self.braces = self.braces.saturating_sub(1);
                self.inner.clear();
                self.word.clear();
            }
            ',' if self.braces > 0 && self.brackets == 0 => {
                self.inner.clear();
                self.word.clear();
            }
            _ if letter.is_whitespace() => {}
            _ if !value || self.at_inner_key() => self.word.push(letter),
            _ => {}
        }
    }

    /// Whether the next word is a key of an inline table.
    fn at_inner_key(&self) -> bool {
        self.braces > 0 && self.inner.is_empty()
    }

    fn tell(&mut self, value: String, line: u32) {
        let key =
            if self.inner.is_empty() { self.key.clone() } else { format!("{}.{}", self.key, self.inner) };
        self.told = true;
        self.entries.push(Entry { table: self.table.clone(), key, value, line });
    }

    /// Reads a string whose first quote has been read, of one line or of several.
    fn quoted(&mut self, quote: char, letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
        let mut quotes = 1;
        while quotes < 3 && letters.next_if_eq(&quote).is_some() {
            quotes += 1;
        }
        if quotes == 2 {
            return String::new();
        }
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' if quotes == 1 => {
                    self.line = self.line.saturating_add(1);
                    return text;
                }
                '\n' => self.line = self.line.saturating_add(1),
                '\\' if quote == '"' => {
                    text.extend(letters.next());
                    continue;
                }
                _ if letter == quote => {
                    let mut closing = 1;
                    while closing < quotes && letters.next_if_eq(&quote).is_some() {
                        closing += 1;
                    }
                    if closing == quotes {
                        return text;
                    }
                }
                _ => {}
            }
            text.push(letter);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        strings(text).iter().map(|e| format!("{}:{} {}={}", e.line, e.table, e.key, e.value)).collect()
    }

    #[test]
    fn strings_keep_their_key_and_line() {
        let text = "[project]\nname = 'a'\ndependencies = [\n  \"b>=1\", # \"c\"\n  'd[x]==2',\n]\n[[tool.x]]\nk = \"\"\n";
        assert_eq!(
            read(text),
            [
                "2:project name=a",
                "4:project dependencies=b>=1",
                "5:project dependencies=d[x]==2",
                "8:tool.x k="
            ]
        );
    }

    #[test]
    fn inline_tables_name_both_keys() {
        let text = "[d]\na = { version = \"^1\", extras = [\"x\", \"y\"], optional = true }\n\"b.c\" = {path='.'}\ne = true\n";
        assert_eq!(
            read(text),
            ["2:d a.version=^1", "2:d a.extras=x", "2:d a.extras=y", "3:d b.c.path=.", "4:d e="]
        );
    }

    #[test]
    fn long_strings_and_faults_do_not_stop_it() {
        let text = "[a]\nx = \"\"\"one\n[b]\ny = 'no'\n\"\"\"\nz = \"open\nw = \"end\"\n[c\nv = \"last\"";
        let found = read(text);
        assert!(found.contains(&"6:a z=open".to_owned()), "{found:?}");
        assert!(found.iter().any(|entry| entry.ends_with("v=last")), "{found:?}");
        assert!(!found.iter().any(|entry| entry.contains("y=no")), "{found:?}");
    }
}
