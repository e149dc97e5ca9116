# Redis with replication: one primary, found as primary.redis.service.consul, and two replicas. On each client are Debian's
# redis-server, whose own service is off, redis-cli and curl. The network is one that you trust: there is no password.
#
# A planned change loses no write that a client has followed by WAIT 1. The loss of the primary loses none that was followed by
# WAIT 2, which is all replicas.
#
# Redis keeps nothing on disk, on purpose. It starts empty and as nobody's replica, so that an instance with keys has had a whole
# copy since its start. Only such a one may lead, and none that was just restarted, whose emptiness the others would copy: see
# `fit`. That is asked in the promotion and is no --probe: who is not well is not told either whom to copy from.
job "redis" {
  group "redis" {
    count = 3

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      port "redis" {}
    }

    # In place, whatever happens: it comes back empty, and copies from the primary.
    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    # The next one is stopped when the check of the one before says that it has its copy.
    update {
      max_parallel = 1
    }

    task "redis" {
      driver = "raw_exec"

      # More than --stop-timeout (4s): the demotion (its WAIT is the longest part, 2 s), the lock's release and the program's end.
      kill_timeout = "10s"

      config {
        command = "consul-leader"
        args = [
          "--service", "redis",
          "--on-promote", "sh local/redis.sh promote",
          "--on-demote", "sh local/redis.sh demote",
          "--on-leader-change", "sh local/redis.sh follow",
          "--probe", "exec:sh local/redis.sh redis ping#interval=1s",
          "--", "sh", "local/redis.sh", "start",
        ]
      }

      template {
        destination = "local/redis.sh"
        data        = <<-EOF
          set -e

          # Nobody's replica, which no client can write to: nothing listens on port 1. A copy from a primary passes through a file,
          # which would be loaded at the next start. By default a replica waits 5 s for its copy, in case that there are more.
          start() {
            rm -f local/dump.rdb
            exec redis-server --bind "$NOMAD_IP_redis" --port "$NOMAD_PORT_redis" --protected-mode no \
              --replicaof 127.0.0.1 1 --save "" --dir local --repl-diskless-sync-delay 0
          }

          redis() {
            redis-cli -e -h "$NOMAD_IP_redis" -p "$NOMAD_PORT_redis" "$@"
          }

          # What the instance at HOST PORT has: keys or nothing. Neither where it does not answer, or still loads its copy.
          has() {
            timeout 0.5 redis-cli -h "$1" -p "$2" info |
              sed -n '/^loading:1/q; s/^# Keyspace.*/nothing/p; s/^db.*/keys/p' | tail -n 1
          }

          # What all instances have, a line for each that answers.
          all() {
            printf 'X-Consul-Token: %s' "$CONSUL_HTTP_TOKEN" |
              curl -s -H @- 'http://127.0.0.1:8500/v1/catalog/service/redis?pretty' |
              sed -n 's/.*"ServiceAddress": "\(.*\)",/\1/p; s/.*"ServicePort": \(.*\),/\1/p' |
              while read -r host && read -r port; do has "$host" "$port"; done
          }

          # May this one lead? If it does, if it has keys, or if nobody has: all three have to say so, as one that is away may
          # have them.
          fit() {
            case $(redis role) in master*) return ;; esac
            test "$(has "$NOMAD_IP_redis" "$NOMAD_PORT_redis")" != keys || return 0
            test "$(all | grep -c nothing)" = 3
          }

          # One that is not fit leaves the lead to who has keys. While none of these is there it waits, for all or for its timeout
          # (30 s): at the first start, for the last of the three.
          promote() {
            until redis ping; do sleep 0.1; done
            until fit; do
              ! all | grep keys || exit 1
              sleep 0.2
            done
            redis replicaof no one
            redis config set min-replicas-to-write 0
          }

          # No more writes; then the replicas get what they lack, as any of them may be the next. Waiting ends when both have it, or
          # after 2 s, in case that one is away. WAIT is for what its own connection has sent: something has to be published.
          demote() {
            test -n "$CONSUL_LEADER_PROGRAM_PID" || exit 0
            redis config set min-replicas-to-write 100
            printf 'publish demotion begins\nwait 2 2000\n' | redis
            redis replicaof 127.0.0.1 1
          }

          # A leader that is not promoted yet would refuse, and be asked again only a second later.
          follow() {
            set -- $(echo "$CONSUL_LEADER_HOLDER" | sed -n 's/.*"address":"\([^"]*\):\([0-9][0-9]*\)".*/\1 \2/p')
            test $# = 2 || exit 0 # its address is not known yet: this is called again
            until redis ping; do sleep 0.1; done
            timeout 2 sh -c "until redis-cli -h $1 -p $2 role | grep -q master; do sleep 0.05; done" || echo "no primary at $1:$2"
            redis replicaof "$1" "$2"
          }

          "$@"
        EOF
      }

      # With Consul's ACLs on, a token by the task's identity (docs/nomad.md, "With ACLs on"); without them it changes nothing.
      consul {}

      # At task level: it goes when the task ends, and a killed leader leaves no tag behind.
      service {
        name = "redis"
        port = "redis"

        # Without it Nomad takes the tag off again at its next sync.
        enable_tag_override = true

        # An update and a drain wait for it, and Consul's DNS names none that has no copy.
        check {
          type     = "script"
          command  = "sh"
          args     = ["local/redis.sh", "fit"]
          interval = "2s"
          timeout  = "1s"
        }
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
