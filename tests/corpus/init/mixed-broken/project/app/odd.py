from strands import tool

from .workshop import shadow


@tool(name="*")
def everything(): ...


@tool("if")
def condition(): ...


@tool(name='name with "quotes" and $5')
def odd(x: int): ...


@tool
def ünïcödé(wert: str): ...


@tool(
    name=(
        "a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-"
        "and-on-and-on-and-on-and-on-and-on-and-on-and-on"
    )
)
def long(): ...


@tool(name="")
def empty(): ...


@tool(name=" ")
def blank(): ...


@tool(name="two\nlines")
def lines(): ...


@tool("a//b")
def path(): ...


@tool("/top")
def top(): ...


@tool("\u202eevil")
def turned(): ...


@tool("x" * 2 + "y")
def counted(): ...


print(shadow)
