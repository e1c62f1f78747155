from .shell import git_commit as commit
from .shell import run_tests as tests
