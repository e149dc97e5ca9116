# An election beside a task that knows nothing of it, in the two ways to place it. Without a command consul-leader is a sidecar:
# it tags the service of its allocation, keeps a file on the leader, and runs hooks if it is given any.
job "aided" {

  # Both tasks start at the same time.
  group "beside" {
    count = 2

    network {
      port "beside" {}
    }

    task "app" {
      driver = "raw_exec"

      config {
        command = "sh"
        args = [
          "-c",
          "while :; do test ! -e $NOMAD_ALLOC_DIR/$NOMAD_ALLOC_ID || date; sleep 1; done",
        ]
      }

      # Of the task that it is for: it goes when that ends. It may be the group's as well.
      service {
        name = "beside"
        port = "beside"

        # Without it Nomad takes the tag off again at its next sync.
        enable_tag_override = true
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }

    # Restarted as Nomad does it by default, in place: so it stays the same place, and gives back a lock that it has left.
    task "election" {
      driver = "raw_exec"

      # More than --stop-timeout (4s): the demotion and the lock's release.
      kill_timeout = "10s"

      config {
        command = "consul-leader"
        args    = ["--service", "beside"]
      }

      # With Consul's ACLs on, a token by the task's identity (docs/nomad.md, "With ACLs on"); without them it changes nothing.
      consul {}

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }

  # The election is there before the task, and ends after it.
  group "first" {
    count = 2

    network {
      port "first" {}
    }

    task "election" {
      driver       = "raw_exec"
      kill_timeout = "10s"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      config {
        command = "consul-leader"
        args    = ["--service", "first"]
      }

      consul {}

      resources {
        cpu    = 50
        memory = 32
      }
    }

    task "app" {
      driver = "raw_exec"

      config {
        command = "sh"
        args = [
          "-c",
          "while :; do test ! -e $NOMAD_ALLOC_DIR/$NOMAD_ALLOC_ID || date; sleep 1; done",
        ]
      }

      service {
        name                = "first"
        port                = "first"
        enable_tag_override = true
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
