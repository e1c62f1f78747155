//! The loop: whoever is ready is read, every request goes to the gate, and the turn ends with one
//! commit for all of them. While the ledger syncs, the next turn is collected already.

mod client;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use faramesh_call::{Code, Tier};
use faramesh_gate::{Gate, Peer, Reply, Told};
use faramesh_wire::Request;
use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};

pub(crate) use self::client::Client;
use self::client::refusal;
use crate::connection::{Connection, Line, Progress};
use crate::limits::{MAX_CONNECTIONS, MAX_LINE_BYTES};
use crate::listen::Listener;
use crate::request::{Id, parse_line};
use crate::respond;
use crate::waiting::WaitingPolls;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Longest sleep of the loop; deadlines and refused accepts are looked at this often at least.
const MAX_SLEEP: Duration = Duration::from_millis(250);
/// Turns without company after which a lone request is synced on this thread.
const QUIET_TURNS: u32 = 4;
/// Requests in flight from which on the loop expects more at any moment.
const BUSY: usize = 16;
/// How often it looks then: for some tens of microseconds.
const LOOKS: u32 = 48;
/// Decisions after which a long turn hands over what it has, so that the disk and the clients go to
/// work on the first of them while it decides the rest.
const PORTION: usize = 32;
const SCRATCH_BYTES: usize = 64 << 10;
/// Bits of a token that are a place among the connections; the others tell its holders apart.
const PLACE_BITS: u32 = 16;
const _: () = assert!(MAX_CONNECTIONS < 1 << PLACE_BITS);

/// Serves one socket.
#[derive(Debug)]
pub struct Server {
    poll: Poll,
    /// For replies that must wait until their socket takes more.
    registry: Arc<Registry>,
    listener: UnixListener,
    /// Removes the socket's file at the end.
    _bound: Listener,
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Connections to read from again without being woken for them.
    again: Vec<Token>,
    resumed: (Sender<Token>, Receiver<Token>),
    waiting: WaitingPolls,
    accept_again: bool,
    quiet_turns: u32,
    /// Somebody asked in the last turn.
    asked_last: bool,
    /// Connections that there have been.
    admitted: usize,
}

/// What other threads may touch.
#[derive(Debug)]
struct Shared {
    waker: Waker,
    stop: AtomicBool,
    /// An approval was answered since waiting polls were looked at.
    answered: AtomicBool,
    in_flight: AtomicUsize,
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// Asks the server to stop after its turn.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Release);
        // A waker fails only when its poll is gone, and then the server is too.
        let _ = self.0.waker.wake();
    }

    /// How many requests wait for their reply.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Acquire)
    }
}

impl Server {
    /// Prepares to serve calls from `bound` through `gate`.
    ///
    /// # Errors
    /// The operating system gives no poll.
    pub fn new(bound: Listener, gate: Arc<Gate>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let socket = bound.socket().try_clone()?;
        socket.set_nonblocking(true)?;
        let mut listener = UnixListener::from_std(socket);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let registry = Arc::new(poll.registry().try_clone()?);
        let waker = Waker::new(poll.registry(), WAKER)?;
        let shared = Arc::new(Shared {
            waker,
            stop: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
        });
        let woken = Arc::clone(&shared);
        gate.watch_approvals(Box::new(move || {
            woken.answered.store(true, Ordering::Release);
            let _ = woken.waker.wake();
        }));
        Ok(Self {
            poll,
            registry,
            listener,
            _bound: bound,
            shared,
            gate,
            connections: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            resumed: channel(),
            waiting: WaitingPolls::default(),
            accept_again: false,
            quiet_turns: 0,
            asked_last: false,
            admitted: 0,
        })
    }

    /// A handle that ends the server.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Serves until stopped.
    ///
    /// # Errors
    /// The operating system refuses to poll.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        let mut scratch = vec![0; SCRATCH_BYTES];
        while !self.shared.stop.load(Ordering::Acquire) {
            match self.wait(&mut events) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            let asked = self.turn(&events, &mut scratch);
            self.asked_last = asked > 0;
            if asked > 0 {
                let alone = asked == 1 && self.shared.in_flight.load(Ordering::Acquire) == 1;
                self.quiet_turns = if alone { self.quiet_turns.saturating_add(1) } else { 0 };
                self.gate.commit(alone && self.quiet_turns >= QUIET_TURNS);
            }
            let answered = self.shared.answered.swap(false, Ordering::AcqRel);
            if answered || self.waiting.next_deadline() == Some(Duration::ZERO) {
                self.waiting.look_again(&self.gate, &mut self.again);
            }
        }
        self.waiting.answer_all(&self.gate);
        Ok(())
    }

    /// Waits for events. When somebody asked a moment ago, or many replies are on their way, the next
    /// request is near, and a sleep would cost its sender a wake-up: then the loop looks a few times
    /// more first, and lets whoever else has work have the core in between.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let sleep = self.sleep();
        let busy = self.asked_last || self.shared.in_flight.load(Ordering::Acquire) >= BUSY;
        let looks = if busy && !sleep.is_zero() { LOOKS } else { 0 };
        for _ in 0..looks {
            self.poll.poll(events, Some(Duration::ZERO))?;
            if !events.is_empty() {
                return Ok(());
            }
            std::thread::yield_now();
        }
        self.poll.poll(events, Some(sleep))
    }

    fn sleep(&self) -> Duration {
        if !self.again.is_empty() {
            return Duration::ZERO;
        }
        self.waiting.next_deadline().map_or(MAX_SLEEP, |deadline| deadline.min(MAX_SLEEP))
    }

    /// Reads from everybody who is ready; returns how many decisions were asked for.
    fn turn(&mut self, events: &Events, scratch: &mut [u8]) -> usize {
        let mut ready = std::mem::take(&mut self.again);
        ready.extend(self.resumed.1.try_iter());
        for event in events {
            match event.token() {
                LISTENER => self.accept_again = true,
                WAKER => {}
                token => {
                    // A connection that is gone can have events while a reply to it is in flight.
                    let Some(connection) = self.connection(token) else { continue };
                    if event.is_writable() {
                        connection.outbox.flush();
                    }
                    connection.hung_up |= event.is_read_closed();
                    connection.deaf |= event.is_write_closed();
                    if event.is_readable() || connection.hung_up || connection.deaf {
                        ready.push(token);
                    }
                }
            }
        }
        if self.accept_again {
            self.accept(&mut ready);
        }
        let (mut asked, mut handed_over) = (0, 0);
        for token in ready {
            asked += self.read(token, scratch);
            if asked - handed_over >= PORTION {
                handed_over = asked;
                self.gate.commit(false);
            }
        }
        asked
    }

    fn connection(&mut self, token: Token) -> Option<&mut Connection> {
        self.connections.get_mut(place(token))?.as_mut().filter(|connection| connection.token == token)
    }

    fn accept(&mut self, ready: &mut Vec<Token>) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => ready.extend(self.admit(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Out of descriptors: those who wait are accepted when some are closed.
                Err(_) => return,
            }
        }
        self.accept_again = false;
    }

    fn admit(&mut self, mut stream: UnixStream) -> Option<Token> {
        // Dropping a stream closes it: there is no room, or nobody knows who it is.
        if self.connections.len() - self.free.len() >= MAX_CONNECTIONS {
            return None;
        }
        let peer = Peer::of(&stream).ok()?;
        let index = self.free.pop().unwrap_or(self.connections.len());
        self.admitted += 1;
        let token = Token(self.admitted << PLACE_BITS | index);
        if self.poll.registry().register(&mut stream, token, Interest::READABLE).is_err() {
            if index < self.connections.len() {
                self.free.push(index);
            }
            return None;
        }
        let connection = Connection::new(stream, peer, token, Arc::clone(&self.registry));
        match self.connections.get_mut(index) {
            Some(slot) => *slot = Some(connection),
            None => self.connections.push(Some(connection)),
        }
        Some(token)
    }

    fn read(&mut self, token: Token, scratch: &mut [u8]) -> usize {
        let index = place(token);
        if self.connection(token).is_none() {
            return 0;
        }
        let Some(mut connection) = self.connections.get_mut(index).and_then(Option::take) else { return 0 };
        let mut asked = 0;
        let client =
            Client { outbox: Arc::clone(&connection.outbox), peer: Arc::clone(&connection.peer), token };
        let progress = connection.read(scratch, &mut |line| asked += self.handle(&client, line));
        match progress {
            Progress::Gone => {
                connection.outbox.close();
                if connection.outbox.is_waiting() {
                    self.waiting.forget(&connection.outbox);
                }
                self.free.push(index);
                return asked;
            }
            Progress::More => self.again.push(token),
            // Being answered resumes it; it may have been meanwhile.
            Progress::Paused if connection.outbox.has_room() => self.again.push(token),
            Progress::Paused | Progress::Drained | Progress::Ended => {}
        }
        if let Some(slot) = self.connections.get_mut(index) {
            *slot = Some(connection);
        }
        asked
    }

    /// Handles one line; returns 1 when the ledger has something to commit for it.
    fn handle(&mut self, client: &Client, line: Line<'_>) -> usize {
        client.outbox.request_started();
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let message = format!("a request is longer than {MAX_LINE_BYTES} bytes");
                return client.send(&respond::error(&Id::Null, respond::INVALID_REQUEST, &message));
            }
        };
        match parse_line(line) {
            (id, Ok(Request::Govern { call, legacy })) => {
                let answer = self.answer(client);
                let respond = move |reply: Reply| answer(&respond::reply(&id, &reply, legacy));
                self.gate.ask(&client.peer, *call, Box::new(respond));
                1
            }
            (_, Ok(Request::BarePoll { token, agent })) => {
                let answer = self.answer(client);
                let told: Box<str> = token.clone();
                let respond = move |status| answer(&respond::bare_poll(&told, &status));
                let agent = agent.as_deref();
                self.gate.redeem(Tier::Sdk, &client.peer, agent, &token, Box::new(respond));
                1
            }
            (id, Ok(Request::Outcome(outcome))) => {
                match self.gate.outcome(&client.peer, &outcome) {
                    Ok(()) => client.send(&respond::done(&id)),
                    Err((_, message)) => client.send(&respond::error(&id, respond::INVALID_PARAMS, &message)),
                };
                1
            }
            (id, Ok(Request::Declare(declaration))) => {
                self.gate.declare(&client.peer, declaration, self.told(client, id));
                1
            }
            (id, Ok(Request::Revoke { delegation, agent })) => {
                let told = self.told(client, id);
                self.gate.take_back(&client.peer, agent.as_deref(), &delegation, told);
                1
            }
            (id, Ok(Request::Poll { token, wait_ms })) => {
                self.waiting.add(&self.gate, client, id, token, wait_ms);
                0
            }
            (id, Err(refused)) => client.send(&refusal(&id, refused)),
        }
    }

    /// Answers a request that only counts or not.
    fn told(&self, client: &Client, id: Id) -> Told {
        let answer = self.answer(client);
        Box::new(move |result: Result<(), (Code, String)>| match result {
            Ok(()) => answer(&respond::done(&id)),
            Err((_, message)) => answer(&respond::error(&id, respond::INVALID_PARAMS, &message)),
        })
    }

    /// A way to answer this client from any thread, which keeps the counts.
    fn answer(&self, client: &Client) -> impl Fn(&[u8]) + Send + use<> {
        self.shared.in_flight.fetch_add(1, Ordering::AcqRel);
        let (shared, outbox, token) = (Arc::clone(&self.shared), Arc::clone(&client.outbox), client.token);
        let resumed = self.resumed.0.clone();
        move |line| {
            shared.in_flight.fetch_sub(1, Ordering::AcqRel);
            // A client that was paused has unread requests which will not wake anybody.
            if outbox.send(line) && resumed.send(token).is_ok() {
                let _ = shared.waker.wake();
            }
        }
    }
}

/// The place of a connection.
fn place(Token(token): Token) -> usize {
    token & ((1 << PLACE_BITS) - 1)
}
