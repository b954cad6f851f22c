import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@Suite("The metadata image")
struct MetadataImageTests {
    private static let id = Uuid(high: 1, low: 1)
    private static let other = Uuid(high: 2, low: 2)

    private static func topic(_ name: String, _ id: Uuid) -> MetadataRecord {
        .topic(TopicRecord(name: name, topicID: id))
    }

    private static func partition(_ index: Int32, of id: Uuid = id, on replicas: [Int32] = [1]) -> MetadataRecord {
        .partition(PartitionRecord(index: index, topicID: id, replicas: replicas))
    }

    private static func retention(_ topic: String, _ value: String?) -> MetadataRecord {
        .config(ConfigRecord(.topic(topic), name: "retention.ms", value: value))
    }

    private static func removal(_ id: Uuid) -> MetadataRecord { .removeTopic(RemoveTopicRecord(topicID: id)) }

    /// What these records add up to.
    private static func image(_ records: [MetadataRecord]) throws -> MetadataImage {
        var image = MetadataImage()
        for record in records { try image.apply(record) }
        return image
    }

    /// Its topics, each with the brokers of its partitions, and its configs: a line each.
    private static func shown(_ image: MetadataImage) -> [String] {
        image.topicNames.map { "\($0): \(image.topics[$0]?.partitions.map(\.replicas) ?? [])" }
            + image.configs.map { "\($0.key): \($0.value)" }.sorted()
    }

    @Test("appends a partition whose number is next, and replaces one that is there")
    func partitions() throws {
        let image = try Self.image([
            Self.topic("a", Self.id), Self.partition(0), Self.partition(1, on: [2]), Self.partition(0, on: [3, 1]),
            Self.partition(2),
        ])
        #expect(Self.shown(image) == ["a: [[3, 1], [2], [1]]"])
        #expect(image[Self.id]?.partitions.map(\.index) == [0, 1, 2])
    }

    @Test(
        "refuses a partition that leaves a gap, and one of no topic",
        arguments: [partition(2), partition(.max), partition(-1), partition(.min), partition(0, of: other)])
    func strayPartitions(record: MetadataRecord) throws {
        let before = [Self.topic("a", Self.id), Self.partition(0)]
        #expect(throws: MetadataError.self, "after partition 0 comes 1, and nothing else") {
            try Self.image(before + [record])
        }
    }

    @Test("has each name once and each id once, also where the other of the two is new")
    func ids() throws {
        for (name, id) in [("a", Self.id), ("a", Self.other), ("b", Self.id)] {
            #expect(throws: MetadataError.self, "topic a has the id \(Self.id); then comes \(name) with \(id)") {
                try Self.image([Self.topic("a", Self.id), Self.topic(name, id)])
            }
        }
        let both = try Self.image([Self.topic("a", Self.id), Self.topic("b", Self.other)])
        #expect(both[Self.id]?.name == "a" && both[Self.other]?.name == "b")
    }

    @Test("forgets of a removed topic the name, the id, the partitions and the configs")
    func removal() throws {
        let made = [Self.topic("a", Self.id), Self.retention("a", "5"), Self.partition(0)]
        let removed = try Self.image(made + [Self.removal(Self.id)])
        #expect(Self.shown(removed) == [])
        #expect(removed == MetadataImage() && removed[Self.id] == nil)
        let again = try Self.image(made + [Self.removal(Self.id), Self.topic("a", Self.other)])
        #expect(Self.shown(again) == ["a: []"], "the new topic has nothing of the old one's")
        #expect(throws: MetadataError.self, "it is not there any more") {
            try Self.image(made + [Self.removal(Self.id), Self.removal(Self.id)])
        }
    }

    @Test("is the same whether a config was never set, or set and taken back")
    func configs() throws {
        let set = try Self.image([Self.retention("a", "5"), Self.retention("a", "6"), Self.retention("b", "7")])
        #expect(Self.shown(set) == ["topic a: [\"retention.ms\": \"6\"]", "topic b: [\"retention.ms\": \"7\"]"])
        let back = try Self.image([Self.retention("a", "5"), Self.retention("a", nil)])
        #expect(Self.shown(back) == [])
        #expect(back == MetadataImage())
    }
}
