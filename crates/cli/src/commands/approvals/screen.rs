//! `approvals watch` on a terminal: the calls that wait, one of them open, and keys to answer it. What agents wrote is
//! shown without a control character, so no argument draws on the screen.

use std::time::{Duration, Instant};

use faramesh_call::{Value, object};
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, List, ListItem, ListState, Paragraph, Wrap};

use super::fetch;
use crate::client::{Client, RequestError};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{at, text};
use crate::views::record::{safe, short_args};
use crate::views::{approval, time};

/// Time between two looks at the queue, and longest wait for a key.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const KEY_WAIT: Duration = Duration::from_millis(200);
/// Longest reason that can be typed, in characters.
const MAX_REASON: usize = 500;
const KEYS: &str = "↑ ↓ choose   enter open   a approve   d deny   q quit";

/// What the keys are for.
enum Mode {
    List,
    /// An approval is open, as text.
    Open(String),
    /// A reason is typed.
    Reason {
        id: String,
        approved: bool,
        reason: String,
    },
}

struct Screen {
    client: Client,
    agent: Option<String>,
    waiting: Vec<Value>,
    /// The chosen approval, by id: the list moves while a person looks.
    chosen: Option<String>,
    mode: Mode,
    /// What came of the last answer.
    told: String,
}

/// Shows the screen until the person or the daemon ends it.
///
/// # Errors
/// The terminal cannot be used, or the daemon refuses to list.
pub fn run(client: Client, agent: Option<String>) -> Result<Exit, Failure> {
    let mut terminal = ratatui::try_init()
        .map_err(|error| Failure::new(format!("this terminal cannot be used: {error}")))?;
    let mut screen =
        Screen { client, agent, waiting: Vec::new(), chosen: None, mode: Mode::List, told: String::new() };
    let mut looked: Option<Instant> = None;
    let ended = loop {
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            looked = Some(Instant::now());
            match screen.look() {
                Ok(()) => {}
                Err(RequestError::Connection(_)) => break Ok(Exit::Down),
                Err(error) => break Err(error.into()),
            }
        }
        let drawn = terminal.draw(|frame| screen.draw(frame)).map(|_| ());
        let key =
            drawn.and_then(|()| if event::poll(KEY_WAIT)? { event::read().map(Some) } else { Ok(None) });
        match key {
            Ok(Some(Event::Key(key))) if key.kind == KeyEventKind::Press => {
                if screen.press(key) {
                    break Ok(Exit::Success);
                }
            }
            Ok(_) => {}
            Err(error) => break Err(Failure::new(format!("this terminal cannot be used: {error}"))),
        }
    };
    ratatui::restore();
    ended
}

impl Screen {
    fn look(&mut self) -> Result<(), RequestError> {
        self.waiting = fetch(&mut self.client, "pending", self.agent.as_deref())?;
        if self.place().is_none() {
            self.chosen = self.waiting.first().map(|approval| text(approval, &["id"]).to_owned());
        }
        Ok(())
    }

    fn place(&self) -> Option<usize> {
        let chosen = self.chosen.as_deref()?;
        self.waiting.iter().position(|approval| text(approval, &["id"]) == chosen)
    }

    /// Takes a key; true when it ends the screen.
    fn press(&mut self, key: KeyEvent) -> bool {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return true;
        }
        match &mut self.mode {
            Mode::Reason { reason, .. } => {
                match key.code {
                    KeyCode::Esc => self.mode = Mode::List,
                    KeyCode::Enter if !reason.trim().is_empty() => self.answer(),
                    KeyCode::Backspace => {
                        reason.pop();
                    }
                    KeyCode::Char(letter) if reason.chars().count() < MAX_REASON => reason.push(letter),
                    _ => {}
                }
                return false;
            }
            Mode::List | Mode::Open(_) => {}
        }
        match key.code {
            KeyCode::Char('q') => return true,
            KeyCode::Esc => self.mode = Mode::List,
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::Enter => self.open(),
            KeyCode::Char('a') => self.begin(true),
            KeyCode::Char('d') => self.begin(false),
            _ => {}
        }
        false
    }

    fn choose(&mut self, by: isize) {
        let place =
            self.place().unwrap_or(0).saturating_add_signed(by).min(self.waiting.len().saturating_sub(1));
        self.chosen = self.waiting.get(place).map(|approval| text(approval, &["id"]).to_owned());
        self.mode = Mode::List;
    }

    fn open(&mut self) {
        let Some(id) = self.chosen.clone() else { return };
        match self.client.request("approvals.show", object! { "id" => id }) {
            Ok(value) => {
                let shown = approval::shown(&value, time::now());
                self.mode = Mode::Open(anstream::adapter::strip_str(&shown).to_string());
            }
            Err(error) => self.told = format!("✗ {}", Failure::from(error)),
        }
    }

    fn begin(&mut self, approved: bool) {
        if let Some(id) = self.chosen.clone().filter(|_| self.place().is_some()) {
            self.mode = Mode::Reason { id, approved, reason: String::new() };
        }
    }

    fn answer(&mut self) {
        let Mode::Reason { id, approved, reason } = std::mem::replace(&mut self.mode, Mode::List) else {
            return;
        };
        let method = if approved { "approvals.approve" } else { "approvals.deny" };
        let params = object! { "id" => id.as_str(), "reason" => reason.trim() };
        self.told = match self.client.request(method, params) {
            Ok(value) => format!("✓ {} {id}", text(&value, &["approval", "status"])),
            Err(error) => format!("✗ {}", Failure::from(error)),
        };
        self.waiting.retain(|approval| text(approval, &["id"]) != id || self.told.starts_with('✗'));
        if self.place().is_none() {
            self.chosen = self.waiting.first().map(|approval| text(approval, &["id"]).to_owned());
        }
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let parts =
            [Constraint::Length(1), Constraint::Min(3), Constraint::Length(12), Constraint::Length(2)];
        let [head, middle, below, foot] = Layout::vertical(parts).areas(frame.area());
        let count = self.waiting.len();
        let title = match count {
            0 => "no call waits".to_owned(),
            1 => "1 call waits".to_owned(),
            _ => format!("{count} calls wait"),
        };
        frame.render_widget(Line::styled(title, Style::new().add_modifier(Modifier::BOLD)), head);
        let now = time::now();
        let items = self.waiting.iter().map(|approval| ListItem::new(row(approval, now)));
        let list = List::new(items)
            .highlight_symbol("▸ ")
            .highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_stateful_widget(list, middle, &mut ListState::default().with_selected(self.place()));
        let shown = match &self.mode {
            Mode::Open(shown) => shown.clone(),
            _ => self.place().and_then(|place| self.waiting.get(place)).map(detail).unwrap_or_default(),
        };
        let block = Block::new().borders(Borders::TOP);
        frame.render_widget(Paragraph::new(shown).block(block).wrap(Wrap { trim: false }), below);
        let (first, second) = match &self.mode {
            Mode::Reason { id, approved, reason } => {
                let word = if *approved { "approve" } else { "deny" };
                (format!("why do you {word} {id}?"), format!("> {reason}█   enter answers, esc goes back"))
            }
            _ => (self.told.clone(), KEYS.to_owned()),
        };
        frame.render_widget(Paragraph::new(vec![Line::raw(first), Line::raw(second)]), foot);
    }
}

fn row(approval: &Value, now: faramesh_call::Timestamp) -> String {
    format!(
        "{}  {:>5}  {}  {}  {}",
        text(approval, &["id"]),
        time::age(text(approval, &["deferred_at"]), now),
        safe(text(approval, &["agent_id"])),
        safe(text(approval, &["tool"])),
        at(approval, &["args"]).map(short_args).unwrap_or_default(),
    )
}

fn detail(approval: &Value) -> String {
    let line =
        |name: &str, value: String| if value.is_empty() { None } else { Some(format!("{name:8} {value}")) };
    let args = at(approval, &["args"]).map(crate::views::json::indented).unwrap_or_default();
    let lines = [
        line("why", safe(text(approval, &["context", "reason"]))),
        line("rule", text(approval, &["rule_ref"]).to_owned()),
        line("args", args),
    ];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
