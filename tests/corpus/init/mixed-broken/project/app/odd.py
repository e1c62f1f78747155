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


print(shadow)
