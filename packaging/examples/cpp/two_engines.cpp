// SPDX-License-Identifier: Apache-2.0
// two_engines.cpp - two nodes in one process, owned by C++: no free() is forgotten, an error is an
// exception. They shake hands and pass a packet each way, in memory.
//   c++ -std=c++17 two_engines.cpp $(pkg-config --cflags --libs netronfast) -o two_engines
#include <netron/netron.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace
{

constexpr int rounds_max = 64;
constexpr std::string_view secret = "a secret of at least 16 bytes";

int check(int result)
{
    if (result < 0) {
        throw std::runtime_error(netron_error_text(result));
    }
    return result;
}

struct Free {
    void operator()(netron_engine *engine) const
    {
        netron_engine_free(engine);
    }
};

class Node
{
  public:
    Node(std::string name, std::uint8_t number, std::uint64_t now) : name_(std::move(name))
    {
        netron_options options{};
        options.size = sizeof(options);
        options.network_secret = reinterpret_cast<const std::uint8_t *>(secret.data());
        options.network_secret_length = secret.size();
        netron_identity_new(options.identity_seed);

        netron_engine *engine = nullptr;
        check(netron_engine_new(&engine, &options));
        engine_.reset(engine);
        netron_engine_set_time(engine, 1790000000000, now);

        // 192.0.2.NUMBER port 4242 outside, 10.1.0.NUMBER inside.
        const std::array<std::uint8_t, 6> outside{0xff, 0xff, 192, 0, 2, number};
        std::copy(outside.begin(), outside.end(), endpoint_.address + 10);
        endpoint_.port = 4242;
        const std::array<std::uint8_t, 4> inside{10, 1, 0, number};
        std::copy(inside.begin(), inside.end(), inside_.address);
        inside_.family = 4;
        inside_.length = 32;
    }

    bool up() const
    {
        return up_;
    }

    const std::string &name() const
    {
        return name_;
    }

    void dial(const Node &other, std::uint64_t now)
    {
        std::array<std::uint8_t, NETRON_ID_BYTES> id;
        netron_engine_id(other.engine_.get(), id.data());
        check(netron_engine_dial(engine_.get(), &other.endpoint_, id.data(), now));
    }

    // Hands our datagrams to `other`, and looks at what happened to us.
    void carry(Node &other, std::uint64_t now)
    {
        std::array<std::uint8_t, 4096> bytes;
        netron_endpoint target{};
        std::uint8_t tos = 0;
        while (const int length = check(netron_engine_poll_datagram(engine_.get(), bytes.data(),
                                                                    bytes.size(), &target, &tos))) {
            check(netron_engine_receive(other.engine_.get(), bytes.data(),
                                        static_cast<std::size_t>(length), &endpoint_, tos, now));
        }
        netron_event event{};
        while (netron_engine_poll_event(engine_.get(), &event)) {
            if (event.kind == NETRON_EVENT_PEER_UP) {
                std::cout << name_ << ": session\n";
                up_ = true;
                check(netron_engine_set_prefixes(engine_.get(), event.id, &other.inside_, 1, now));
            }
        }
        netron_engine_tick(engine_.get(), now);
    }

    // IPv4 with a UDP datagram in it (without a checksum, which IPv4 allows).
    std::vector<std::uint8_t> packet_to(const Node &other, std::string_view text) const
    {
        const auto length = static_cast<std::uint8_t>(28 + text.size());
        const auto udp_length = static_cast<std::uint8_t>(8 + text.size());
        std::vector<std::uint8_t> packet{0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0};
        packet.insert(packet.end(), inside_.address, inside_.address + 4);
        packet.insert(packet.end(), other.inside_.address, other.inside_.address + 4);
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < packet.size(); i += 2) {
            sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~(sum + (sum >> 16));
        packet[10] = static_cast<std::uint8_t>(sum >> 8);
        packet[11] = static_cast<std::uint8_t>(sum);
        packet.insert(packet.end(), {0, 9, 0, 9, 0, udp_length, 0, 0});
        packet.insert(packet.end(), text.begin(), text.end());
        return packet;
    }

    void send(const std::vector<std::uint8_t> &packet, std::uint64_t now)
    {
        check(netron_engine_send_packet(engine_.get(), packet.data(), packet.size(), now));
    }

    // The next packet for this node; empty if there is none.
    std::vector<std::uint8_t> receive()
    {
        std::vector<std::uint8_t> packet(2048);
        packet.resize(static_cast<std::size_t>(
            check(netron_engine_poll_packet(engine_.get(), packet.data(), packet.size()))));
        return packet;
    }

  private:
    std::string name_;
    std::unique_ptr<netron_engine, Free> engine_;
    netron_endpoint endpoint_{};
    netron_prefix inside_{};
    bool up_ = false;
};

void pass(Node &from, Node &to, std::uint64_t &now)
{
    const auto sent = from.packet_to(to, "hello, " + to.name());
    from.send(sent, now);
    std::vector<std::uint8_t> got;
    for (int round = 0; round < rounds_max && got.empty(); round++) {
        now += 1000000;
        from.carry(to, now);
        to.carry(from, now);
        got = to.receive();
    }
    if (got != sent) {
        throw std::runtime_error("the packet did not arrive as it was sent");
    }
    std::cout << from.name() << " to " << to.name() << ": a packet\n";
}

} // namespace

int main()
try {
    std::uint64_t now = 1000000000; // a clock of our own, in nanoseconds
    Node ada("ada", 1, now), bob("bob", 2, now);

    ada.dial(bob, now);
    for (int round = 0; round < rounds_max && !(ada.up() && bob.up()); round++) {
        now += 1000000; // a way takes 1 ms
        ada.carry(bob, now);
        bob.carry(ada, now);
    }
    if (!ada.up() || !bob.up()) {
        throw std::runtime_error("no session came about");
    }
    pass(ada, bob, now);
    pass(bob, ada, now);
    return 0;
} catch (const std::exception &error) {
    std::cerr << "two_engines: " << error.what() << '\n';
    return 1;
}
