"""Plans, drift, events and errors as text for people and machines; nothing here touches a terminal."""
