"""A slow and lossy link, where the kernel has no netem: what leaves this host for a network is held back, or lost.

`slow_link.py DELAY_SECONDS LOSS NETWORK ADDRESS`, in the host's namespace. More exact routes than the host's own lead through a device of this
process, so both are gone with it, however it ends. Each packet that the kernel hands it leaves by the host's own device when its time has
come, LOSS (0 to 1) of them never. What comes in is as quick as ever: with one slow host a round trip takes DELAY longer, between two of
them twice that.
"""

import fcntl
import ipaddress
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
NAME, DEVICE = "slow", "eth0"
MTU = 1500


def open_device(network: str, address: str) -> int:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", NAME.encode(), IFF_TUN | IFF_NO_PI))
    lines = [f"link set {NAME} up mtu {MTU} txqueuelen 10000"]
    lines += [f"route add {half} dev {NAME} src {address}" for half in ipaddress.ip_network(network).subnets()]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    return handle


def wire() -> socket.socket:
    """Sends whole packets by the host's own device, whatever the routes say."""
    found = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, DEVICE.encode())
    return found


def main() -> None:
    delay, loss = float(sys.argv[1]), float(sys.argv[2])
    device, out = open_device(*sys.argv[3:5]), wire()
    held: deque[tuple[float, bytes]] = deque()
    print("slow", flush=True)
    while True:
        select.select([device], [], [], max(0.0, held[0][0] - time.monotonic()) if held else None)
        now = time.monotonic()
        try:
            while True:
                packet = os.read(device, 65536)
                if packet[0] >> 4 == 4 and random.random() >= loss:
                    held.append((now + delay, packet))
        except BlockingIOError:
            pass
        while held and held[0][0] <= now:
            packet = held.popleft()[1]
            try:
                out.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
            except OSError:
                continue  # the cable is out: lost, as on any wire


if __name__ == "__main__":
    main()
