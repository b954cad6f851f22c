import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Tells how many bytes each log has; logs that are closed stay closed. Topics and partitions that are not
    /// here are left out, as with Kafka.
    public func describeLogDirs(
        _ request: DescribeLogDirsRequest, _ effects: inout Effects
    ) -> DescribeLogDirsResponse {
        var result = DescribeLogDirsResponse.Result()
        result.logDirectory = topics.directory.storage.path
        do throws(LogError) {
            if let asked = request.topics {
                var seen = Set<Int>()
                for topic in asked {
                    let partitions = topic.partitions.compactMap { topics[topic.name]?.partition($0) }
                    try add(partitions.filter { seen.insert($0.key).inserted }, of: topic.name, to: &result)
                }
            } else {
                for name in topics.names { try add(topics[name]?.partitions ?? [], of: name, to: &result) }
            }
        } catch {
            effects.log(.error, "describe_failed", ["error": error.description])
            result.topics = []
            result.errorCode = .storageError
        }
        var response = DescribeLogDirsResponse()
        response.results = [result]
        return response
    }

    private func add(
        _ partitions: [Partition], of topic: String, to result: inout DescribeLogDirsResponse.Result
    ) throws(LogError) {
        guard !partitions.isEmpty else { return }
        var answers = DescribeLogDirsResponse.Topic()
        answers.name = topic
        for partition in partitions {
            var answer = DescribeLogDirsResponse.Partition()
            answer.index = partition.number
            answer.size = try topics.directory.byteCount(of: partition.name)
            answers.partitions.append(answer)
        }
        result.topics.append(answers)
    }
}
