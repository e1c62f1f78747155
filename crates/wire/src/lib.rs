//! What agents ask, and what they are told, however it travels: the members of a request become a call, an outcome
//! or a question. Doors for lines and for HTTP stand on it, so that both take the same members and give the same
//! answers. Unknown members are errors, because what a client means by them must not be lost silently, and so is
//! any that appears twice, because two readers could take different ones.

mod params;
mod request;

use faramesh_call::json::Writer;
use faramesh_gate::PollStatus;

pub use params::{Params, Taken};
pub use request::{Method, Request, WrongBody, read_body};

/// Longest wait of a poll, in milliseconds.
pub const MAX_WAIT_MS: u64 = 60_000;

/// Appends the answer to a poll.
pub fn write_poll(token: &str, status: &PollStatus, out: &mut Vec<u8>) {
    let mut writer = Writer::object(out);
    writer.string("defer_token", token);
    writer.string("status", status.word());
    writer.optional_string("reason", status.reason.as_deref());
    writer.end();
}
