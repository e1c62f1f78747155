//! A small web server that takes records, checks their signatures by its own means, and fails as told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// How one request is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With this status line and these header lines; a 2xx takes the records.
    Status(u16, &'static str),
    /// Takes the records, and closes without an answer.
    TakeAndClose,
    /// Closes without a word.
    Close,
    /// Nothing for so long, then closes.
    Hang(Duration),
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    pub id: String,
    pub authorization: Option<String>,
    /// Numbers of the records in it.
    pub seqs: Vec<u64>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    requests: Vec<Request>,
    /// Numbers of records that were taken, in the order of arrival.
    taken: Vec<u64>,
    /// What was wrong with a request.
    wrong: Vec<String>,
}

#[derive(Clone)]
pub struct Server {
    pub port: u16,
    key: Vec<u8>,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    /// Serves on a free port; secrets are `whsec_` and this key in base64.
    pub fn start(key: &[u8], script: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { script: script.iter().cloned().collect(), ..State::default() };
        let server = Self { port, key: key.to_vec(), state: Arc::new((Mutex::new(state), Condvar::new())) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?key=CANARY-URL", self.port)
    }

    /// What comes next, behind what was told before; without anything told, 200.
    pub fn then(&self, answers: &[Answer]) {
        self.state.0.lock().unwrap().script.extend(answers.iter().cloned());
    }

    pub fn forget_script(&self) {
        self.state.0.lock().unwrap().script.clear();
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.0.lock().unwrap().requests.clone()
    }

    pub fn taken(&self) -> Vec<u64> {
        self.state.0.lock().unwrap().taken.clone()
    }

    /// Waits until a record was taken; panics with what was wrong.
    pub fn wait_for(&self, seq: u64) {
        let until = Instant::now() + Duration::from_secs(30);
        let mut state = self.state.0.lock().unwrap();
        while !state.taken.contains(&seq) {
            assert!(state.wrong.is_empty(), "{:?}", state.wrong);
            assert!(Instant::now() < until, "record {seq} does not come: {:?}", state.requests);
            state = self.state.1.wait_timeout(state, Duration::from_millis(50)).unwrap().0;
        }
        assert!(state.wrong.is_empty(), "{:?}", state.wrong);
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((headers, body)) = read_request(&mut reader) {
            let answer = self.judge(&headers, &body);
            match answer {
                Answer::Status(status, lines) => {
                    let head = format!("HTTP/1.1 {status} X\r\n{lines}content-length: 8\r\n\r\nCANARY-B");
                    if stream.write_all(head.as_bytes()).is_err() {
                        return;
                    }
                }
                Answer::TakeAndClose | Answer::Close => {
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                    return;
                }
                Answer::Hang(time) => {
                    std::thread::sleep(time);
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                    return;
                }
            }
        }
    }

    fn judge(&self, headers: &[(String, String)], body: &[u8]) -> Answer {
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let id = header("webhook-id").unwrap_or_default();
        let time = header("webhook-timestamp").unwrap_or_default();
        let mut signed = format!("{id}.{time}.").into_bytes();
        signed.extend_from_slice(body);
        let expected = format!("v1,{}", base64(&hmac_sha256(&self.key, &signed)));
        let mut state = self.state.0.lock().unwrap();
        if header("webhook-signature").as_deref() != Some(&expected) {
            state.wrong.push(format!("the signature of {id} is wrong"));
        }
        let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        if time.parse::<u64>().map_or(true, |time| age.abs_diff(time) > 60) {
            state.wrong.push(format!("the time of {id} is {time}"));
        }
        if header("content-type").as_deref() != Some("application/x-ndjson") {
            state.wrong.push(format!("the type of {id} is wrong"));
        }
        let mut seqs = Vec::new();
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(b"no line");
            match faramesh_dpr::Record::parse(line) {
                Ok(record) => seqs.push(record.seq()),
                Err(error) => state.wrong.push(format!("a line is no record: {error}")),
            }
        }
        let request =
            Request { at: Instant::now(), id, authorization: header("authorization"), seqs: seqs.clone() };
        state.requests.push(request);
        let answer = state.script.pop_front().unwrap_or(Answer::Status(200, ""));
        if matches!(answer, Answer::Status(200..=299, _) | Answer::TakeAndClose) {
            state.taken.extend(seqs);
        }
        self.state.1.notify_all();
        answer
    }
}

/// Headers by name in small letters, and the body.
pub type Read = (Vec<(String, String)>, Vec<u8>);

pub fn read_request(reader: &mut impl BufRead) -> Option<Read> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("POST /hook"), "{line}");
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap();
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}

/// HMAC as RFC 2104 writes it, so that the sender is not checked with its own code.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    text
}
