//! Which blocks a place lies in, and what the language has to offer there. Read from the lossless tree, so
//! that it also works while a statement is half written.

use faramesh_check::definitions::{self, AGENT, Definition, FILE, PHASE, Shape};
use faramesh_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A block around a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosing {
    /// Its keyword; empty when what stands before the brace is no block.
    pub keyword: String,
    /// Its name, or the pack of a `use`.
    pub label: Option<String>,
}

/// The blocks around a place, the outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The blocks.
    pub blocks: Vec<Enclosing>,
}

impl Surroundings {
    /// The blocks around what follows `token`, which is no trivia.
    pub fn after(token: Option<&SyntaxToken>) -> Self {
        let Some(token) = token else { return Self::default() };
        let mut nodes: Vec<SyntaxNode> = token.parent_ancestors().collect();
        if token.kind() == SyntaxKind::RIGHT_BRACE
            && let Some(closed) = nodes.iter().position(|node| node.kind() == SyntaxKind::BODY)
        {
            nodes.drain(..=closed);
            // The block whose body it was.
            if !nodes.is_empty() {
                nodes.remove(0);
            }
        }
        let mut blocks = Vec::new();
        // As deep as blocks nest, which the parser bounds.
        for node in &nodes {
            match node.kind() {
                SyntaxKind::BODY => blocks.extend(node.parent().map(|owner| enclosing(&owner))),
                SyntaxKind::ERROR if is_inside_brace(node, token) => {
                    blocks.push(Enclosing { keyword: String::new(), label: None });
                }
                _ => {}
            }
        }
        blocks.reverse();
        Self { blocks }
    }

    /// The blocks around a token, not counting one that it begins itself.
    pub fn of(token: &SyntaxToken) -> Self {
        let bodies = token.parent_ancestors().filter(|node| node.kind() == SyntaxKind::BODY);
        let mut blocks: Vec<Enclosing> =
            bodies.filter_map(|body| body.parent()).map(|owner| enclosing(&owner)).collect();
        blocks.reverse();
        Self { blocks }
    }

    /// The keyword of the innermost block; nothing in the file itself.
    pub fn keyword(&self) -> Option<&str> {
        self.blocks.last().map(|block| block.keyword.as_str())
    }

    /// Whether rules may stand here.
    pub fn takes_rules(&self) -> bool {
        self.keyword().is_none_or(|keyword| matches!(keyword, "rules" | "agent" | "phase" | "pack"))
    }

    /// The statements and blocks that may stand here, rules aside.
    pub fn members(&self) -> Vec<&'static Definition> {
        let Some((last, outer)) = self.blocks.split_last() else {
            let shared =
                AGENT.iter().filter(|definition| definitions::find(FILE, definition.keyword).is_none());
            return FILE.iter().chain(shared).collect();
        };
        let around = Self { blocks: outer.to_vec() };
        if last.keyword == "phase" {
            return PHASE.iter().collect();
        }
        match around.find(&last.keyword).map(|definition| definition.shape) {
            Some(Shape::Block { members, .. }) => members.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What a word means that begins a statement here.
    pub fn find(&self, keyword: &str) -> Option<&'static Definition> {
        self.members().into_iter().find(|definition| definition.keyword == keyword)
    }
}

fn enclosing(owner: &SyntaxNode) -> Enclosing {
    let mut words = owner
        .children_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia());
    let keyword = words.next().map(|token| token.text().to_owned()).unwrap_or_default();
    let label = words.next().map(|token| token.text().trim_matches('"').to_owned());
    Enclosing { keyword, label }
}

/// Whether more braces open than close in `node` up to and with `token`.
fn is_inside_brace(node: &SyntaxNode, token: &SyntaxToken) -> bool {
    let end = token.text_range().end();
    let mut open = 0_usize;
    for element in node.descendants_with_tokens() {
        if element.text_range().end() > end {
            break;
        }
        match element.kind() {
            SyntaxKind::LEFT_BRACE => open += 1,
            SyntaxKind::RIGHT_BRACE => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open > 0
}
