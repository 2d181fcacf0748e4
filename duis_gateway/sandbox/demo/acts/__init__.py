"""The four acts of the demonstration: notification, piloting, safe launch, closure."""
