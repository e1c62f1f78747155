"""Half a file: somebody is in the middle of it."""


def draft(issue
    return {
