"""Calls to other programs on a bus of D-Bus."""

from typing import Any

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus


async def call(
    bus: MessageBus, to: str, path: str, member: str, signature: str, body: list[Any], interface: str = ""
) -> Message:
    """The answer of another program's method. Raises DBusError where it says so, or is not there."""
    reply = await bus.call(
        Message(destination=to, path=path, interface=interface or to, member=member, signature=signature, body=body)
    )
    assert reply is not None
    if reply.message_type is MessageType.ERROR:
        raise DBusError(reply.error_name or "org.freedesktop.DBus.Error.Failed", str(reply.body))
    return reply


async def hear(bus: MessageBus, rule: str) -> None:
    """Have the bus send signals of a match rule. Raises DBusError."""
    await call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", [rule])
