from .github import add_label, close, list_issues
from .pager import page_on_call
