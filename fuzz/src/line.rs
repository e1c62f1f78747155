//! Any bytes as a line from a client: refused, or a request whose arguments are what was sent.

use faramesh_call::json;
use faramesh_socket::{Request, parse_line};

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let (_, request) = parse_line(bytes);
    let Ok(Request::Govern { call, .. }) = request else { return };
    let canonical = json::canonical(&call.args);
    assert_eq!(json::parse(&canonical).as_ref(), Ok(&call.args), "arguments survive being written");
    assert!(json::parse(bytes).is_ok(), "a request is JSON");
}
